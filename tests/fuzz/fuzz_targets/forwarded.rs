//! Forwarded headers: no input panics, a stranger's changes nothing, and behind a trusted proxy
//! there is always an address.
#![no_main]

use std::net::IpAddr;
use std::net::Ipv4Addr;

use http::HeaderMap;
use http::HeaderValue;
use libfuzzer_sys::fuzz_target;
use segue::ForwardedHeader;
use segue::TrustedProxies;
use segue::client_address;

fuzz_target!(|fields: Vec<&[u8]>| {
    let proxies = TrustedProxies::parse("10.0.0.0/8, fd00::/8").expect("a list of networks");
    let mut headers = HeaderMap::new();
    for field in fields.into_iter().take(8) {
        if let Ok(value) = HeaderValue::from_bytes(field) {
            headers.append("x-forwarded-for", value.clone());
            headers.append("forwarded", value);
        }
    }
    let stranger = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
    let proxy = Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)));
    for header in [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded] {
        assert_eq!(client_address(stranger, &headers, &proxies, header), stranger);
        assert!(client_address(proxy, &headers, &proxies, header).is_some());
        assert_eq!(client_address(None, &headers, &proxies, header), None);
    }
});
