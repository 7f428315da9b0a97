//! A browser: follows nothing by itself and keeps cookies.

use std::collections::BTreeMap;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};

use crate::support::Controller;

/// What came back.
pub struct Page {
    pub status: u16,
    pub location: String,
    pub body: String,
    pub cookies: Vec<String>,
}

pub struct Browser {
    http: reqwest::Client,
    base: String,
    pub jar: BTreeMap<String, String>,
}

impl Browser {
    pub fn new(controller: &Controller) -> Self {
        let ca = std::fs::read(controller.dir.path().join("data/ca.pem")).unwrap();
        Self {
            http: reqwest::Client::builder()
                .tls_certs_only([reqwest::Certificate::from_pem(&ca).unwrap()])
                .redirect(reqwest::redirect::Policy::none())
                .http1_only()
                .no_proxy()
                .build()
                .unwrap(),
            base: format!("https://localhost:{}", controller.port()),
            jar: BTreeMap::new(),
        }
    }

    /// The same cookies at another controller.
    pub fn moved_to(&self, controller: &Controller) -> Self {
        Self {
            jar: self.jar.clone(),
            ..Self::new(controller)
        }
    }

    pub async fn get(&mut self, path: &str) -> Page {
        let request = self.http.get(format!("{}{path}", self.base));
        self.send(request).await
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let body: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", escape(value)))
            .collect();
        let request = self
            .http
            .post(format!("{}{path}", self.base))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", "https://idp.example.com")
            .header("sec-fetch-site", "cross-site")
            .body(body.join("&"));
        self.send(request).await
    }

    /// What the page of this cluster does.
    pub async fn own_page_posts(&mut self, path: &str) -> Page {
        let request = self
            .http
            .post(format!("{}{path}", self.base))
            .header("sec-fetch-site", "same-origin");
        self.send(request).await
    }

    pub async fn with_token(&mut self, method: &str, path: &str, token: &str) -> Page {
        let request = self
            .http
            .request(method.parse().unwrap(), format!("{}{path}", self.base))
            .bearer_auth(token);
        self.send(request).await
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Page {
        let cookies: Vec<String> = self
            .jar
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = if cookies.is_empty() {
            request
        } else {
            request.header(COOKIE, cookies.join("; "))
        };
        let response = request.send().await.unwrap();
        let set: Vec<String> = response
            .headers()
            .get_all(SET_COOKIE)
            .iter()
            .map(|value| value.to_str().unwrap().to_owned())
            .collect();
        for cookie in &set {
            let (pair, attributes) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
        let location = response
            .headers()
            .get(LOCATION)
            .map(|value| value.to_str().unwrap().to_owned());
        Page {
            status: response.status().as_u16(),
            location: location.unwrap_or_default(),
            cookies: set,
            body: response.text().await.unwrap(),
        }
    }
}

/// A value in a form or a query.
pub fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// A parameter of an address, decoded.
pub fn parameter(address: &str, name: &str) -> Option<String> {
    let query = address.split_once('?')?.1;
    let raw = query
        .split('&')
        .find_map(|pair| pair.strip_prefix(&format!("{name}=")))?;
    Some(unescape(raw))
}

pub fn unescape(raw: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let pair = [bytes.next().unwrap(), bytes.next().unwrap()];
            out.push(u8::from_str_radix(std::str::from_utf8(&pair).unwrap(), 16).unwrap());
        } else {
            out.push(if byte == b'+' { b' ' } else { byte });
        }
    }
    String::from_utf8(out).unwrap()
}
