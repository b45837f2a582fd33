//! Proxies: whether a setting names one that requests can go through. Which setting counts is for the HTTP client.

/// Whether a text is the address of a proxy, `http://proxy.example:3128` or without the `http://`. The HTTP client
/// ignores any other text in silence, and requests would go out without a proxy.
pub fn is_proxy(text: &str) -> bool {
    let text = text.trim();
    let whole = match text.contains("://") {
        true => text.to_owned(),
        false => format!("http://{text}"),
    };
    let is_http = |url: &reqwest::Url| matches!(url.scheme(), "http" | "https");
    // `http//proxy` would be a host called `http`.
    reqwest::Url::parse(&whole)
        .is_ok_and(|url| is_http(&url) && url.host().is_some() && url.path() == "/")
}

#[cfg(test)]
mod tests {
    use super::is_proxy;

    #[test]
    fn what_is_a_proxy() {
        for good in [
            "http://proxy:3128",
            "https://a:b@proxy.example",
            "proxy.example:8080",
            " 10.0.0.1 ",
        ] {
            assert!(is_proxy(good), "{good}");
        }
        for bad in [
            "http://",
            "http//proxy:1",
            "proxy:port",
            "socks5://proxy",
            "://x",
            "a b",
            "http://[::1",
        ] {
            assert!(!is_proxy(bad), "{bad}");
        }
    }
}
