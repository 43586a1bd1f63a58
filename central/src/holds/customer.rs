//! Who asks, as far as a server can tell: the device by a cookie, the line by its address.

use crate::office::Office;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use node::http::cookies;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The cookie of a device; it says nothing about whoever holds it.
pub const COOKIE: &str = "usher_device";
const COOKIE_LASTS_S: u32 = 365 * 24 * 3600;
/// Each proxy appends whom it was asked by.
pub const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// A browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Device(pub [u8; 16]);

/// An address of the internet; of the sixth version the prefix that one line has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network(IpAddr);

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Customer {
    /// Their browser, where it shows its cookie.
    pub device: Option<Device>,
    /// Their address, where it is known to be theirs.
    pub network: Option<Network>,
}

impl Network {
    /// The address, or the prefix with zeros behind it.
    pub fn address(self) -> IpAddr {
        self.0
    }

    /// Nothing for an address that is not one customer's: this machine, a private network, whatever may be a proxy in front.
    pub fn of(address: IpAddr) -> Option<Self> {
        match address.to_canonical() {
            IpAddr::V4(v4) => {
                let shared = v4.octets()[0] == 100 && (64..128).contains(&v4.octets()[1]);
                let inner = v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified() || shared;
                (!inner).then_some(Self(v4.into()))
            }
            IpAddr::V6(v6) => {
                let inner =
                    v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_unspecified();
                let prefix = u128::from(v6) & !u128::from(u64::MAX);
                (!inner).then_some(Self(IpAddr::V6(prefix.into())))
            }
        }
    }
}

impl Customer {
    /// Reads a request that came through so many proxies, each of which has appended the address it was asked from.
    pub fn read(headers: &HeaderMap, from: Option<SocketAddr>, proxies: usize) -> Self {
        let listed = headers.get_all(FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok());
        let mut hops: Vec<&str> = listed.flat_map(|line| line.split(',')).map(str::trim).collect();
        let from = from.map(|from| from.ip().to_string());
        hops.extend(from.as_deref());
        let address = hops.iter().rev().nth(proxies).and_then(|hop| hop.parse().ok());
        Self { device: device(headers), network: address.and_then(Network::of) }
    }
}

/// The device that a browser says it is.
pub fn device(headers: &HeaderMap) -> Option<Device> {
    let value = cookies(headers, COOKIE).next()?;
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(value.as_bytes()).ok()?;
    Some(Device(bytes.try_into().ok()?))
}

/// The cookie for a browser that has none yet.
pub fn new_cookie(secure: bool) -> String {
    let (device, secure) = (node::random::hex::<16>(), if secure { "; Secure" } else { "" });
    format!("{COOKIE}={device}; Path=/; Max-Age={COOKIE_LASTS_S}; HttpOnly; SameSite=Lax{secure}")
}

impl FromRequestParts<Arc<Office>> for Customer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, office: &Arc<Office>) -> Result<Self, Infallible> {
        let from = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(from)| *from);
        // A node of the pool that has passed a request on is one more proxy, and shows that it is one.
        let passed_on = office.pass.as_ref().is_some_and(|pass| pass.is_shown_by(&parts.headers));
        Ok(Self::read(&parts.headers, from, office.proxies + usize::from(passed_on)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderValue, header};

    fn read(forwarded: &str, from: &str, proxies: usize) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in forwarded.split('|').filter(|line| !line.is_empty()) {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(line).expect("a header"));
        }
        let from = from.parse().ok().map(|ip: IpAddr| SocketAddr::new(ip, 1));
        Customer::read(&headers, from, proxies).network.map(|network| network.0.to_string())
    }

    #[test]
    fn an_address_is_believed_as_far_as_the_proxies_reach() {
        let check = |forwarded, from, proxies, expected: &str| {
            let found = read(forwarded, from, proxies).unwrap_or_else(|| "-".into());
            assert_eq!(found, expected, "{forwarded} from {from} behind {proxies}");
        };
        check("", "203.0.113.5", 0, "203.0.113.5");
        check("198.51.100.1", "203.0.113.5", 0, "203.0.113.5");
        check("198.51.100.1", "10.0.0.2", 1, "198.51.100.1");
        check("192.0.2.66, 198.51.100.1", "10.0.0.2", 1, "198.51.100.1");
        check("192.0.2.66|198.51.100.1", "10.0.0.2", 1, "198.51.100.1");
        check("198.51.100.1, 10.0.0.2", "10.0.0.3", 2, "198.51.100.1");
        check("", "10.0.0.2", 1, "-");
        check("nonsense", "10.0.0.2", 1, "-");
        check("127.0.0.1", "10.0.0.2", 1, "-");
        check("", "::ffff:203.0.113.5", 0, "203.0.113.5");
        check("", "2001:470:1:2:3:4:5:6", 0, "2001:470:1:2::");
    }

    #[test]
    fn a_device_is_known_by_its_cookie_and_by_nothing_else() {
        let of = |cookie: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_str(cookie).expect("a header"));
            device(&headers)
        };
        let own = new_cookie(true);
        assert!(own.contains("; Secure") && own.contains("HttpOnly"), "{own}");
        let pair = own.split(';').next().expect("a pair");
        assert!(of(pair).is_some());
        assert_eq!(of(&format!("a=b; {pair}; c=d")), of(pair));
        assert_eq!(of("usher_device=short"), None);
        assert_eq!(of("other=00112233445566778899aabbccddeeff"), None);
    }
}
