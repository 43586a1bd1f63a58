//! Addresses of brokers.

use std::fmt;
use std::str::FromStr;

/// `mqtt://host:port` or `mqtts://host:port`; the ports default to 1883 and 8883.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MqttUrl {
    /// A name or an address; an IPv6 address without its brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// Whether the connection is encrypted.
    pub tls: bool,
}

/// A text that is no address of a broker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a broker address like mqtt://host:1883 or mqtts://host:8883: {0:?}")]
pub struct BadMqttUrl(pub String);

impl FromStr for MqttUrl {
    type Err = BadMqttUrl;

    fn from_str(text: &str) -> Result<Self, BadMqttUrl> {
        let bad = || BadMqttUrl(text.chars().take(200).collect());
        let (scheme, rest) = text.split_once("://").ok_or_else(bad)?;
        let tls = match scheme {
            "mqtt" => false,
            "mqtts" => true,
            _ => return Err(bad()),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match authority.strip_prefix('[') {
            Some(bracketed) => {
                let (host, after) = bracketed.split_once(']').ok_or_else(bad)?;
                (host, if after.is_empty() { None } else { Some(after.strip_prefix(':').ok_or_else(bad)?) })
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        // Names and passwords have their own settings, so that they do not end up in logs with the address.
        if host.is_empty() || host.contains(['/', '@', '?', '#', ' ']) {
            return Err(bad());
        }
        let port = match port {
            Some(port) => port.parse().map_err(|_| bad())?,
            None if tls => 8883,
            None => 1883,
        };
        Ok(Self { host: host.to_owned(), port, tls })
    }
}

impl fmt::Display for MqttUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "mqtts" } else { "mqtt" };
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_as_it_is_shown() {
        for text in ["mqtt://127.0.0.1:1883", "mqtts://broker.example:8883", "mqtt://[::1]:4000"] {
            assert_eq!(text.parse::<MqttUrl>().unwrap().to_string(), text);
        }
        assert_eq!("mqtts://broker.example/".parse::<MqttUrl>().unwrap().port, 8883);
        assert_eq!("mqtt://[::1]".parse::<MqttUrl>().unwrap().port, 1883);
    }

    #[test]
    fn what_is_no_broker_address_is_refused() {
        for text in [
            "",
            "broker:1883",
            "http://a:1",
            "mqtt://",
            "mqtt://a:b",
            "mqtt://a:70000",
            "mqtt://u:p@a:1",
            "mqtt://[::1",
        ] {
            assert_eq!(text.parse::<MqttUrl>(), Err(BadMqttUrl(text.into())));
        }
    }
}
