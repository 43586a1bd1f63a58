//! The steps (a) to (h).

use super::story::{Story, expect_verdict, is_elsewhere, is_own, neighbours};
use crate::client::{Api, Hold, Sale, wait_for};
use crate::house::{Cut, HouseCut};
use anyhow::{Context, bail, ensure};
use data_encoding::BASE32_NOPAD;
use node::view::LinkView;
use std::time::Duration;

/// A payment becomes tickets within this time.
const BOOKED_WITHIN: Duration = Duration::from_secs(15);
/// Both sides notice a cut within this time.
const NOTICED_WITHIN: Duration = Duration::from_secs(30);
/// Both sides are equal again within this time of healing.
const EQUAL_WITHIN: Duration = Duration::from_secs(10);
/// What each side says when asked for the other's seats during a cut.
const ELSEWHERE: &[&str] = &["seat_elsewhere", "link_down", "counter_only"];

type Played = anyhow::Result<String>;

pub(super) async fn buy_online(story: &mut Story<'_>) -> Played {
    let (customer, show) = (story.customer()?, story.show(story.theatre()?).await?);
    let map = customer.seats(&show.id).await.context("look at the seat map")?;
    let category = map.categories.last().context("the show has no category")?.name.clone();
    let hold: Hold = customer.hold_best(&show.id, 2, &category).await?.read().context("hold the best two seats")?;
    let (_, tickets) = customer.buy_held(&hold, BOOKED_WITHIN).await?;
    story.note_tickets(&show.id, &tickets)?;
    let door = story.door(0)?;
    let ticket = tickets.first().context("no ticket")?;
    expect_verdict(&story.scan(&door, &ticket.code).await?, "admit", &["ok"])?;

    let hold: Hold = customer.hold_best(&show.id, 2, &category).await?.read().context("hold two more seats")?;
    let (booking, later) = customer.buy_held(&hold, BOOKED_WITHIN).await.context("buy two more seats")?;
    story.note_tickets(&show.id, &later)?;
    story.to_cancel = Some((booking, later));
    let seats: Vec<&str> = tickets.iter().map(|ticket| ticket.seat.as_str()).collect();
    Ok(format!("seats {} of {}, green for {}", seats.join(" "), show.movie.title, ticket.seat))
}

pub(super) async fn cut(story: &mut Story<'_>) -> Played {
    let place = story.theatre()?;
    story.house.cut(0, Cut::Clean);
    let central = Api::new(story.house.central_url())?;
    let noticed = || async {
        let edge = place.link().await?;
        let link: LinkView = central.get(&format!("/v1/theatres/{}/link", place.id)).await?.read()?;
        Ok((edge.state == "locked_down" && link.state == "locked_down").then_some(()))
    };
    wait_for("both sides to lock down", NOTICED_WITHIN, noticed).await?;
    Ok("locked down on both sides".to_owned())
}

pub(super) async fn sell_at_counter(story: &mut Story<'_>) -> Played {
    let (cashier, show) = (story.cashier().await?, story.show(story.theatre()?).await?);
    let map = cashier.seats(&show.id).await.context("look at the counter's seat map")?;
    let own = neighbours(&map, 2, is_own).context("find the counter's own seats")?;
    let sale: Sale = cashier.sell(&show.id, &own).await?.read().context("sell the counter's own seats")?;
    story.note_sale(&show.id, &sale)?;
    ensure!(sale.tickets.len() == 2, "{} tickets for 2 seats", sale.tickets.len());
    let foreign = neighbours(&map, 1, is_elsewhere).context("find one of central's seats")?;
    let code = cashier.sell(&show.id, &foreign).await?.expect_refusal(ELSEWHERE)?;
    Ok(format!("sold {}, refused {} as {code}", own.join(" "), foreign.join(" ")))
}

pub(super) async fn sell_online(story: &mut Story<'_>) -> Played {
    let (customer, show) = (story.customer()?, story.show(story.theatre()?).await?);
    let map = customer.seats(&show.id).await.context("look at central's seat map")?;
    let own = neighbours(&map, 2, is_own).context("find central's own seats")?;
    let hold: Hold = customer.hold(&show.id, &own).await?.read().context("hold central's own seats")?;
    let (_, tickets) = customer.buy_held(&hold, BOOKED_WITHIN).await?;
    story.note_tickets(&show.id, &tickets)?;
    story.bought_in_cut = tickets;
    let foreign = neighbours(&map, 1, is_elsewhere).context("find one of the counter's seats")?;
    let code = customer.hold(&show.id, &foreign).await?.expect_refusal(ELSEWHERE)?;
    Ok(format!("sold {}, refused {} as {code}", own.join(" "), foreign.join(" ")))
}

pub(super) async fn admit_by_signature(story: &mut Story<'_>) -> Played {
    let ticket = story.bought_in_cut.first().context("nothing was bought during the cut")?;
    let verdict = story.scan(&story.door(0)?, &ticket.code).await?;
    expect_verdict(&verdict, "admit", &["ok", "show_not_known"])?;
    Ok(format!("green for {}, {}", ticket.seat, verdict.guarantee))
}

pub(super) async fn two_doors(story: &mut Story<'_>) -> Played {
    let ticket = story.bought_in_cut.get(1).context("no second ticket was bought during the cut")?;
    let first = story.scan(&story.door(0)?, &ticket.code).await.context("scan at the first door")?;
    expect_verdict(&first, "admit", &["ok", "show_not_known"])?;
    let second = story.scan(&story.door(1)?, &ticket.code).await.context("scan at the second door")?;
    expect_verdict(&second, "already", &["already_admitted"])?;
    let admission = second.first.context("yellow does not say where and when")?;
    let name = story.theatre()?.doors.first().map(|door| door.name.as_str()).unwrap_or_default();
    ensure!(admission.door == name, "yellow names {}, not {name}", admission.door);
    Ok(format!("green at {name}, then yellow: in since {} at {}", admission.at, admission.door))
}

pub(super) async fn false_tickets(story: &mut Story<'_>) -> Played {
    let genuine = story.bought_in_cut.first().context("nothing was bought during the cut")?;
    let mut bytes = BASE32_NOPAD.decode(genuine.code.trim().as_bytes()).context("read a ticket's text")?;
    let last = bytes.last_mut().context("a ticket without bytes")?;
    *last ^= 1;
    let door = story.door(0)?;
    let forged = story.scan(&door, &BASE32_NOPAD.encode(&bytes)).await.context("scan a forged ticket")?;
    expect_verdict(&forged, "refuse", &["bad_signature"])?;

    let (customer, show) = (story.customer()?, story.show(story.other_theatre()?).await?);
    let map = customer.seats(&show.id).await?;
    let seats = neighbours(&map, 1, is_own).context("find a seat at the other theatre")?;
    let hold: Hold = customer.hold(&show.id, &seats).await?.read().context("hold a seat at the other theatre")?;
    let (_, tickets) = customer.buy_held(&hold, BOOKED_WITHIN).await?;
    story.note_tickets(&show.id, &tickets)?;
    let foreign = tickets.first().context("no ticket")?;
    let foreign = story.scan(&door, &foreign.code).await.context("scan a foreign ticket")?;
    expect_verdict(&foreign, "refuse", &["wrong_theatre"])?;
    Ok(format!("red: {} ({}), {} ({})", forged.code, forged.text, foreign.code, foreign.text))
}

pub(super) async fn cancel(story: &mut Story<'_>) -> Played {
    let (booking, tickets) = story.to_cancel.as_ref().context("nothing was bought before the cut")?;
    let customer = story.customer()?;
    let answer = customer.cancel(&booking.booking).await?;
    ensure!(answer.status == 202, "the cancellation was answered {} {}", answer.status, answer.code());
    // Long enough for an answer that cannot come to have come.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let now = customer.booking(&booking.booking).await?;
    let state = now.cancellation.as_ref().and_then(|cancellation| cancellation["state"].as_str()).unwrap_or_default();
    ensure!(state == "waiting_for_theatre", "the cancellation is {state:?}, not waiting for the theatre");
    let show = story.show(story.theatre()?).await?;
    let seats: Vec<String> = tickets.iter().map(|ticket| ticket.seat.clone()).collect();
    let code = customer.hold(&show.id, &seats).await?.expect_refusal(&["seat_sold", "void_pending"])?;
    Ok(format!("{} waits for the theatre, meanwhile nobody gets its seats ({code})", seats.join(" ")))
}

pub(super) async fn heal(story: &mut Story<'_>) -> Played {
    story.house.heal().await?;
    let began = std::time::Instant::now();
    let equal = || async {
        let report = story.truth.report(Duration::ZERO).await?;
        ensure!(report.panel.digests_equal, "{:?}: {}", report.panel, report.stories.join("; "));
        Ok(Some(report))
    };
    let report = wait_for("equal digests", EQUAL_WITHIN, equal).await?;
    let took = began.elapsed().as_secs_f64();
    ensure!(report.panel.ticket_without_sale == 0, "tickets were lost: {}", report.stories.join("; "));
    ensure!(report.panel.seats_sold_twice == 0, "seats were sold twice: {}", report.stories.join("; "));
    Ok(format!("equal after {took:.1} s, {} tickets all in both logs", story.truth.tickets_seen()))
}

pub(super) async fn resell(story: &mut Story<'_>) -> Played {
    let (booking, old) = story.to_cancel.as_ref().context("nothing was cancelled")?;
    let customer = story.customer()?;
    let ended = customer.wait_for_booking(&booking.booking, &["cancelled", "refunded"], NOTICED_WITHIN).await?;
    ensure!(ended.tickets.iter().all(|ticket| ticket.state == "void"), "its tickets are not void: {:?}", ended.tickets);
    let refunded = || async {
        let report = story.truth.report(Duration::ZERO).await?;
        ensure!(report.panel.paid_without_ticket == 0, "{}", report.stories.join("; "));
        Ok(Some(()))
    };
    wait_for("the money to go back", BOOKED_WITHIN, refunded).await?;
    let (show, door) = (story.show(story.theatre()?).await?, story.door(0)?);
    let seats: Vec<String> = old.iter().map(|ticket| ticket.seat.clone()).collect();
    let hold = || async { customer.hold(&show.id, &seats).await?.read::<Hold>().map(Some) };
    let hold = wait_for("the seats to be free again", BOOKED_WITHIN, hold).await?;
    let (_, new) = customer.buy_held(&hold, BOOKED_WITHIN).await.context("buy the seats again")?;
    story.note_tickets(&show.id, &new)?;
    let (Some(old), Some(new)) = (old.first(), new.first()) else { bail!("no tickets") };
    expect_verdict(&story.scan(&door, &old.code).await?, "refuse", &["void", "superseded"])?;
    expect_verdict(&story.scan(&door, &new.code).await?, "admit", &["ok"])?;
    Ok(format!("money back, {} sold again: the old ticket is red, the new one green", seats.join(" ")))
}

pub(super) async fn central_down(story: &mut Story<'_>) -> Played {
    let (cashier, show) = (story.cashier().await?, story.show(story.theatre()?).await?);
    story.house.cut_house(HouseCut::Central).await?;
    let sold = async {
        let place = story.theatre()?;
        let alone = || async { Ok((place.link().await?.state == "locked_down").then_some(())) };
        wait_for("the edge to lock down", NOTICED_WITHIN, alone).await?;
        let map = cashier.seats(&show.id).await?;
        let own = neighbours(&map, 2, is_own).context("find the counter's own seats")?;
        let sale: Sale = cashier.sell(&show.id, &own).await?.read().context("sell with central down")?;
        story.note_sale(&show.id, &sale)?;
        let ticket = sale.tickets.first().context("no ticket")?;
        expect_verdict(&story.scan(&story.door(0)?, &ticket.code).await?, "admit", &["ok"])?;
        anyhow::Ok(own)
    };
    let sold = sold.await;
    // Central comes back whether or not this went well: later steps need it.
    let healed = heal(story).await.context("after central's return");
    Ok(format!("sold {} and let in; {}", sold?.join(" "), healed?))
}
