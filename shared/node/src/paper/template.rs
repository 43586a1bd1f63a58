//! Text templates for tickets and receipts: a house's own where its folder has them, else the ones of this program.

use super::{GroupFacts, GroupRow, Issuer, ReceiptFacts, ReceiptLine, Sheet, TaxLine, TicketFacts};
use anyhow::Context;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use std::path::Path;

const TICKET: (&str, &str) = ("ticket.txt", include_str!("ticket.txt"));
const RECEIPT: (&str, &str) = ("receipt.txt", include_str!("receipt.txt"));
const GROUP: (&str, &str) = ("group.txt", include_str!("group.txt"));

/// The templates of a house.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
}

impl Templates {
    /// Reads `ticket.txt`, `receipt.txt` and `group.txt` of the folder; an empty path and a missing file stand for the built-in ones.
    ///
    /// # Errors
    /// If a file cannot be read, is no template, names what there is not, or gives lines that no sheet has.
    pub fn load(folder: &Path) -> anyhow::Result<Self> {
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.context("set the syntax of templates")?);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // A title with a line break in it must not become a line of another kind.
        environment.set_formatter(|out, _, value| {
            let text = if value.is_none() { String::new() } else { value.to_string() };
            Ok(out.write_str(&text.replace(char::is_control, " "))?)
        });
        for (name, built_in) in [TICKET, RECEIPT, GROUP] {
            let path = folder.join(name);
            let own = !folder.as_os_str().is_empty() && path.exists();
            let text = if own {
                std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?
            } else {
                built_in.to_owned()
            };
            environment.add_template_owned(name, text).with_context(|| format!("read the template {name}"))?;
        }
        let templates = Self { environment };
        for serial in [None, Some("counter-000001".to_owned())] {
            templates.ticket(&TicketFacts { group: serial.clone(), serial, ..sample_ticket() })?;
        }
        templates.ticket(&TicketFacts { issuer: sample_issuer(), ..sample_ticket() })?;
        templates.receipt(&ReceiptFacts { issuer: sample_issuer(), ..sample_receipt() })?;
        templates.receipt(&sample_receipt())?;
        templates.receipt(&ReceiptFacts { received: None, change: None, taxes: Vec::new(), ..sample_receipt() })?;
        templates.group(&sample_group())?;
        templates.group(&GroupFacts { issuer: sample_issuer(), taxes: Vec::new(), ..sample_group() })?;
        Ok(templates)
    }

    /// A ticket.
    ///
    /// # Errors
    /// If the template does not give a sheet.
    pub fn ticket(&self, facts: &TicketFacts) -> anyhow::Result<Sheet> {
        self.sheet(TICKET.0, facts)
    }

    /// A receipt.
    ///
    /// # Errors
    /// If the template does not give a sheet.
    pub fn receipt(&self, facts: &ReceiptFacts) -> anyhow::Result<Sheet> {
        self.sheet(RECEIPT.0, facts)
    }

    /// A paper for a whole group.
    ///
    /// # Errors
    /// If the template does not give a sheet.
    pub fn group(&self, facts: &GroupFacts) -> anyhow::Result<Sheet> {
        self.sheet(GROUP.0, facts)
    }

    fn sheet(&self, name: &str, facts: &impl Serialize) -> anyhow::Result<Sheet> {
        let template = self.environment.get_template(name).with_context(|| format!("find the template {name}"))?;
        let text = template.render(Serde(facts)).with_context(|| format!("fill in {name}"))?;
        Sheet::read(text.trim_end()).with_context(|| format!("read what {name} gave"))
    }
}

fn sample_ticket() -> TicketFacts {
    TicketFacts {
        theatre: "Rex".into(),
        city: "Pune".into(),
        title: "The Late Show".into(),
        screen: 1,
        seat: "C12".into(),
        category: "Silver".into(),
        price: "INR 150.00".into(),
        date: "2026-11-26".into(),
        time: "19:30".into(),
        serial: Some("counter-000001".into()),
        booking: "7KQ2MXPA".into(),
        group: None,
        issuer: Issuer::default(),
        code: "A2".repeat(76),
    }
}

fn sample_issuer() -> Issuer {
    Issuer {
        legal_name: Some("Rex Talkies Pvt. Ltd.".into()),
        gstin: Some("27AAPFU0939F1ZV".into()),
        certificate: vec!["Cinema licence 12/2026".into()],
    }
}

fn sample_group() -> GroupFacts {
    GroupFacts {
        theatre: "Rex".into(),
        city: "Pune".into(),
        group: "St. Mary's School".into(),
        booking: "7KQ2MXPA".into(),
        title: "The Late Show".into(),
        screen: 1,
        date: "2026-11-26".into(),
        time: "19:30".into(),
        count: 24,
        rows: GroupRow::of((1..=12).map(|n| ("C", n)).chain((1..=12).map(|n| ("D", n)))),
        total: "INR 3600.00".into(),
        tender: "cash".into(),
        serials: "counter-000001 to 000024".into(),
        sold_date: "2026-11-26".into(),
        sold_time: "19:04".into(),
        staff: "counter".into(),
        taxes: vec![TaxLine { percent: 18, net: "3050.88".into(), cgst: "274.56".into(), sgst: "274.56".into() }],
        issuer: Issuer::default(),
    }
}

fn sample_receipt() -> ReceiptFacts {
    let line = |seat: &str| ReceiptLine {
        seat: seat.into(),
        category: "Silver".into(),
        price: "150.00".into(),
        serial: "counter-000001".into(),
    };
    ReceiptFacts {
        theatre: "Rex".into(),
        city: "Pune".into(),
        booking: "7KQ2MXPA".into(),
        staff: "counter".into(),
        sold_date: "2026-11-26".into(),
        sold_time: "19:04".into(),
        title: "The Late Show".into(),
        screen: 1,
        date: "2026-11-26".into(),
        time: "19:30".into(),
        lines: vec![line("C12"), line("C13")],
        total: "INR 300.00".into(),
        tender: "cash".into(),
        received: Some("500.00".into()),
        change: Some("200.00".into()),
        taxes: vec![TaxLine { percent: 18, net: "254.24".into(), cgst: "22.88".into(), sgst: "22.88".into() }],
        issuer: Issuer::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper::sheet::{Laid, Line};

    fn words(sheet: &Sheet) -> String {
        let rows = sheet.lay(32).into_iter();
        rows.map(|laid| if let Laid::Row { text, .. } = laid { text } else { "[code]".into() })
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn the_built_in_templates_say_what_a_guest_needs() {
        let templates = Templates::load(Path::new("")).expect("templates");
        let ticket = words(&templates.ticket(&sample_ticket()).expect("ticket"));
        for needed in ["Rex", "The Late Show", "C12", "Screen 1", "19:30", "2026-11-26", "INR 150.00", "7KQ2", "[code]"]
        {
            assert!(ticket.contains(needed), "{needed} is not on\n{ticket}");
        }
        let group = words(&templates.group(&sample_group()).expect("group"));
        for needed in [
            "St. Mary's",
            "24 seats",
            "Row C",
            "1-12",
            "Row D",
            "INR 3600.00",
            "7KQ2 MXPA",
            "18 %",
            "3050.88",
            "274.56",
        ] {
            assert!(group.contains(needed), "{needed} is not on\n{group}");
        }
        let receipt = words(&templates.receipt(&sample_receipt()).expect("receipt"));
        for needed in ["C12", "C13", "INR 300.00", "500.00", "200.00", "18 %", "22.88", "counter"] {
            assert!(receipt.contains(needed), "{needed} is not on\n{receipt}");
        }
    }

    #[test]
    fn who_gives_the_paper_out_is_told_where_it_is_set_and_nowhere_else() {
        let templates = Templates::load(Path::new("")).expect("templates");
        let (ticket, receipt, group) = (sample_ticket(), sample_receipt(), sample_group());
        let bare = [templates.ticket(&ticket), templates.receipt(&receipt), templates.group(&group)];
        let told = [
            templates.ticket(&TicketFacts { issuer: sample_issuer(), ..ticket }),
            templates.receipt(&ReceiptFacts { issuer: sample_issuer(), ..receipt }),
            templates.group(&GroupFacts { issuer: sample_issuer(), ..group }),
        ];
        for (bare, told) in bare.into_iter().zip(told) {
            let (bare, told) = (words(&bare.expect("a sheet")), words(&told.expect("a sheet")));
            for needed in ["Rex Talkies Pvt. Ltd.", "GSTIN 27AAPFU0939F1ZV", "Cinema licence 12/2026"] {
                assert!(told.contains(needed), "{needed} is not on\n{told}");
            }
            assert!(!bare.contains("GSTIN") && told.lines().count() == bare.lines().count() + 3, "{bare}");
        }
    }

    #[test]
    fn a_house_has_its_own_template_and_a_bad_one_is_named_at_the_start() {
        let folder = tempfile::tempdir().expect("folder");
        let write = |text: &str| std::fs::write(folder.path().join("ticket.txt"), text).expect("write");
        write("big: {{ seat }}\nqr: {{ code }}\n");
        let templates = Templates::load(folder.path()).expect("templates");
        let ticket = templates.ticket(&sample_ticket()).expect("ticket");
        assert_eq!(ticket.lines.len(), 2);
        for (text, error) in
            [("text: {{ phone }}", "ticket.txt"), ("{{ seat }}", "line 1"), ("text: {% if", "ticket.txt")]
        {
            write(text);
            let found = format!("{:#}", Templates::load(folder.path()).expect_err(text));
            assert!(found.contains(error), "{text}: {found}");
        }
    }

    #[test]
    fn a_title_cannot_become_a_line_of_another_kind() {
        let templates = Templates::load(Path::new("")).expect("templates");
        let ticket = templates.ticket(&TicketFacts { title: "A\nqr: B".into(), ..sample_ticket() }).expect("ticket");
        assert_eq!(ticket.lines.iter().filter(|line| matches!(line, Line::Qr(_))).count(), 1);
    }
}
