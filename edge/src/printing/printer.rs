//! A printer as the settings name it.

use super::jobs::Document;
use node::paper::escpos::Width;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a printer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `HOST:PORT`, mostly port 9100.
    Tcp(String),
    /// A device file, `/dev/usb/lp0`.
    Device(PathBuf),
}

/// A printer: `NAME=tcp://HOST:PORT` or `NAME=/dev/usb/lp0`, then `;58mm` for narrow paper, `;tickets` or `;receipts` if it has
/// paper for one of them only, and `;drawer` if the cash drawer hangs on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PrinterSetting {
    text: String,
    /// How it is called at the counter.
    pub name: String,
    /// Where it is.
    pub address: Address,
    /// Its paper.
    pub width: Width,
    /// The only kind that it prints, if it does not print both.
    pub only: Option<Document>,
    /// The cash drawer hangs on it.
    pub drawer: bool,
}

/// A text that names no printer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no printer: {why}; one is NAME=tcp://HOST:9100 or NAME=/dev/usb/lp0, with ;58mm ;tickets ;receipts ;drawer"
)]
pub struct BadPrinter {
    text: String,
    why: &'static str,
}

impl PrinterSetting {
    /// Whether it has paper for that.
    pub fn prints(&self, document: Document) -> bool {
        // A group's paper is as wide as a receipt or a ticket: any will do.
        document == Document::Group || self.only.is_none_or(|only| only == document)
    }
}

impl FromStr for PrinterSetting {
    type Err = BadPrinter;

    fn from_str(text: &str) -> Result<Self, BadPrinter> {
        let bad = |why| BadPrinter { text: text.chars().take(80).collect(), why };
        let (name, rest) = text.split_once('=').ok_or_else(|| bad("it has no name"))?;
        let name = name.trim();
        if !(1..=32).contains(&name.chars().count()) || name == super::requests::DOCUMENT {
            return Err(bad("its name is not good"));
        }
        let mut words = rest.split(';').map(str::trim);
        let address = match words.next().unwrap_or_default() {
            path if path.starts_with('/') => Address::Device(path.into()),
            url => match url.strip_prefix("tcp://") {
                Some(host) if host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) => {
                    Address::Tcp(host.to_owned())
                }
                _ => return Err(bad("its address is not good")),
            },
        };
        let mut printer = Self {
            text: text.to_owned(),
            name: name.to_owned(),
            address,
            width: Width::Wide,
            only: None,
            drawer: false,
        };
        for word in words {
            match word {
                "80mm" => printer.width = Width::Wide,
                "58mm" => printer.width = Width::Narrow,
                "tickets" => printer.only = Some(Document::Tickets),
                "receipts" => printer.only = Some(Document::Receipt),
                "drawer" => printer.drawer = true,
                _ => return Err(bad("a word after its address is not known")),
            }
        }
        Ok(printer)
    }
}

impl TryFrom<String> for PrinterSetting {
    type Error = BadPrinter;

    fn try_from(text: String) -> Result<Self, BadPrinter> {
        text.parse()
    }
}

impl From<PrinterSetting> for String {
    fn from(printer: PrinterSetting) -> Self {
        printer.text
    }
}

impl fmt::Display for PrinterSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printer_is_read_from_its_setting() {
        let printer: PrinterSetting = "Box office=tcp://10.0.0.9:9100;58mm;drawer".parse().expect("printer");
        assert_eq!(printer.address, Address::Tcp("10.0.0.9:9100".into()));
        assert_eq!((printer.name.as_str(), printer.width, printer.drawer), ("Box office", Width::Narrow, true));
        assert!(printer.prints(Document::Tickets) && printer.prints(Document::Receipt));
        let usb: PrinterSetting = "usb=/dev/usb/lp0;receipts".parse().expect("printer");
        assert_eq!((usb.address.clone(), usb.width), (Address::Device("/dev/usb/lp0".into()), Width::Wide));
        assert!(!usb.prints(Document::Tickets) && usb.prints(Document::Receipt));
    }

    #[test]
    fn a_bad_setting_says_what_is_wrong() {
        let table = [
            ("tcp://10.0.0.9:9100", "no name"),
            ("=tcp://10.0.0.9:9100", "name is not good"),
            ("pdf=tcp://10.0.0.9:9100", "name is not good"),
            ("a=10.0.0.9:9100", "address"),
            ("a=tcp://10.0.0.9", "address"),
            ("a=tcp://10.0.0.9:91000", "address"),
            ("a=/dev/usb/lp0;77mm", "word"),
        ];
        for (text, why) in table {
            let error = text.parse::<PrinterSetting>().expect_err(text).to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
