// The page of a show: proposal, map, list, then the hold and the way to the payment.

import { bestSeats, leavesOrphan, splitSeats } from "./best.js";
import { Checkout } from "./checkout.js";
import { countdown } from "./countdown.js";
import { ELSEWHERE, readForm, writeForm } from "./form.js";
import { follow } from "./live.js";
import { legend } from "./seat.js";
import { SeatMap } from "./seatmap.js";
import { complain, count, el, explain, money, notice, seatList, sum } from "./words.js";

const byId = (id) => document.getElementById(id);
const form = byId("seats");

if (form) {
  const view = readForm(form);
  const checkout = new Checkout(form.dataset.show);
  const map = new SeatMap(byId("map"), { elsewhere: ELSEWHERE, onchange: chosenByHand });
  let proposals = [];
  let turn = 0;
  let byHand = false;
  let stopClock = () => {};

  const wanted = () => Number(form.elements.wanted.value);
  const category = () => (form.elements.category.value === "" ? null : Number(form.elements.category.value));

  function propose() {
    byHand = false;
    turn = 0;
    map.limit = wanted();
    proposals = bestSeats(view, wanted(), category());
    showProposal();
  }

  function showProposal() {
    const together = proposals[turn % Math.max(1, proposals.length)];
    const labels = together ?? splitSeats(view, wanted(), category());
    map.choose(labels);
    map.reveal();
    byId("next").disabled = proposals.length < 2;
    const found = labels.length === 0 ? "Not that many seats are free here" : "Not together any more; nearest we found";
    say(together ? "Best seats together" : found);
    showOrder();
  }

  function chosenByHand(labels, lost) {
    byHand = true;
    say(lost.length > 0 ? `${lost.join(", ")} just went to somebody else.` : "Your choice");
    if (lost.length > 0 && labels.length === 0) propose();
    else showOrder();
  }

  function say(text) {
    byId("proposal").textContent = text;
  }

  function showOrder() {
    const choice = map.choice();
    const labels = choice.map((seat) => seat.label);
    const total = sum(choice.map((seat) => seat.price));
    byId("chosen").textContent = labels.length === 0 ? "None chosen yet" : seatList(labels);
    byId("lines").replaceChildren(...linesOf(choice));
    byId("total").textContent = total ? money(total) : "";
    byId("take").disabled = labels.length === 0;
    const missing = wanted() - labels.length;
    const orphan = byHand && labels.length > 0 && leavesOrphan(view, labels);
    byId("promise").textContent = missing > 0 && labels.length > 0
      ? `${count(missing, "seat")} fewer than you asked for.`
      : orphan
        ? "This leaves one seat alone beside yours. Moving by one helps others."
        : "Kept for you for 8 minutes while you pay. No account needed.";
    writeForm(form, view, map.chosen);
  }

  function linesOf(seats) {
    const kinds = new Map();
    for (const seat of seats) kinds.set(seat.name, [...(kinds.get(seat.name) ?? []), seat]);
    return Array.from(kinds, ([name, group]) => {
      const price = money(sum(group.map((seat) => seat.price)));
      return el("li", {}, el("span", {}, `${group.length} × ${name}`), el("span", { class: "figures" }, price));
    });
  }

  function showLink(link) {
    view.link = link ?? view.link;
    const seats = view.rows.flatMap((row) => row.seats);
    const free = seats.filter((seat) => seat.state === "free").length;
    const cut = view.link === "locked_down";
    notice(byId("cut"), "warn", cut && "The line to this theatre is down", `${count(free, "seat")} left online; more at the counter.`);
    const shown = ["free", "mine", "held", "sold", "unavailable", "withheld", "in_transit", "unknown"];
    const states = new Set(seats.map((seat) => seat.state));
    const list = shown.filter((state) => states.has(state) || state === "mine" || state === "sold");
    if (seats.some((seat) => seat.by_claim && seat.state === "free")) list.splice(1, 0, "claim");
    if (seats.some((seat) => seat.accessible)) list.push("accessible");
    byId("legend").replaceChildren(legend(list, "At the counter only", "the theatre"));
  }

  function showStates(states, link) {
    for (const row of view.rows) for (const seat of row.seats) seat.state = states[seat.label] ?? seat.state;
    map.patch(states);
    showLink(link);
    if (!map.mine) showOrder();
  }

  function showSnapshot(now) {
    const states = Object.fromEntries(now.rows.flatMap((row) => row.seats.map((seat) => [seat.label, seat.state])));
    showStates(states, now.link);
  }

  async function take() {
    busy("take", true);
    notice(byId("problem"));
    // The stream may say "held" before the answer says that it is us.
    map.mine = true;
    const asked = Array.from(map.chosen);
    const answer = await checkout.hold(asked);
    busy("take", false);
    if (answer.ok) return showHold(checkout.running());
    map.mine = false;
    await refresh();
    // The box keeps more for its counter than the map could tell: the next proposal is another one.
    if (answer.problem.code === "counter_only") showStates(Object.fromEntries(asked.map((label) => [label, "unavailable"])));
    complain(byId("problem"), answer.problem);
    if (["seat_sold", "seat_held", "counter_only", "seat_elsewhere", "link_down"].includes(answer.problem.code)) propose();
  }

  function showHold({ hold, skew }) {
    map.mine = true;
    map.choose(hold.lines.map((line) => line.seat));
    byId("chosen").textContent = seatList(hold.lines.map((line) => line.seat));
    byId("lines").replaceChildren(...linesOf(hold.lines.map((line) => ({ name: line.category, price: line.price }))));
    byId("total").textContent = money(hold.total);
    byId("pay-button").textContent = hold.total.minor === 0 ? "Book" : `Pay ${money(hold.total)}`;
    for (const id of ["take", "promise"]) byId(id).hidden = true;
    byId("pay").hidden = false;
    byId("choosing").inert = true;
    document.body.classList.add("holding");
    byId("order-title").focus();
    runClock(hold, skew);
  }

  function runClock(hold, skew) {
    stopClock();
    const more = Date.parse(hold.renewable_until) - Date.parse(hold.expires_at) > 5000;
    byId("extend").hidden = !more;
    stopClock = countdown(new Date(hold.expires_at), skew, {
      ontick: (text, left) => {
        byId("left").textContent = text;
        byId("pay").classList.toggle("hurry", left <= 120);
      },
      onsay: (text) => {
        byId("said").textContent = `${text} to pay for your seats.${more ? " The button Keep longer gives you more time." : ""}`;
      },
      onend: () => giveUp("The time ran out", "Your seats were let go. They may still be free: look at the map."),
    });
  }

  function giveUp(title, text) {
    stopClock();
    checkout.forget();
    map.mine = false;
    for (const id of ["take", "promise"]) byId(id).hidden = false;
    byId("pay").hidden = true;
    byId("choosing").inert = false;
    document.body.classList.remove("holding");
    refresh().then(propose);
    notice(byId("problem"), "warn", title, text);
  }

  async function pay(event) {
    event.preventDefault();
    const contact = byId("contact").value.trim();
    const usable = /^\S+@\S+\.\S+$/.test(contact) || contact.replace(/\D/g, "").length >= 10;
    byId("contact").setAttribute("aria-invalid", String(!usable));
    if (!usable) {
      notice(byId("problem"), "bad", "We need a way to reach you", "A phone number with ten digits, or an e-mail address.");
      return byId("contact").focus();
    }
    notice(byId("problem"));
    busy("pay-button", true);
    const answer = await checkout.pay(contact);
    if (answer.ok) {
      checkout.forget();
      return location.assign(answer.go);
    }
    busy("pay-button", false);
    const { headline, text } = explain(answer.problem);
    if (["hold_expired", "unknown_hold"].includes(answer.problem.code)) giveUp(headline, text);
    else complain(byId("problem"), answer.problem);
  }

  async function extend() {
    const answer = await checkout.extend();
    if (answer.ok) runClock(answer.data, answer.skew);
    else complain(byId("problem"), answer.problem);
  }

  function busy(id, on) {
    byId(id).setAttribute("aria-busy", String(on));
    byId(id).disabled = on;
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", (event) => {
    if (["wanted", "category"].includes(event.target.name)) return propose();
    if (event.target.checked) map.chosen.add(event.target.value);
    else map.chosen.delete(event.target.value);
    map.paint();
    chosenByHand(Array.from(map.chosen), []);
  });
  byId("next").addEventListener("click", () => {
    turn += 1;
    showProposal();
  });
  byId("as-list").addEventListener("click", (event) => {
    const list = document.body.classList.toggle("listing");
    event.target.setAttribute("aria-pressed", String(list));
  });
  byId("smaller").addEventListener("click", () => map.scale(map.zoom > 1 ? -1 : 0));
  byId("larger").addEventListener("click", () => map.scale(1));
  byId("take").addEventListener("click", take);
  byId("pay").addEventListener("submit", pay);
  byId("extend").addEventListener("click", extend);
  byId("release").addEventListener("click", async () => {
    await checkout.release();
    giveUp("Your seats are free again", "Pick others on the map.");
  });

  map.update(view);
  showLink(view.link);
  const refresh = follow(form.dataset.show, view.version, { onsnapshot: showSnapshot, onstates: showStates });
  const running = checkout.running();
  propose();
  if (running) showHold(running);
}
