//! A real Chromium on one of the lab's machines, driven through Debian's `chromedriver` (W3C WebDriver).

use std::{
    fs,
    io::Write as _,
    process::Stdio,
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use crate::{
    lab::Lab,
    process::{Running, wait_for},
};

/// How long the browser may take to start.
const START_WAIT_MAX: Duration = Duration::from_secs(30);
/// How long it may take to load a page, in milliseconds.
const PAGE_WAIT_MILLISECONDS_MAX: u64 = 30_000;

/// The member that names an element in WebDriver's answers (W3C WebDriver section 12).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Browsers of one lab listen on the loopback of their machines, each on a port of its own.
static NEXT_PORT: AtomicU16 = AtomicU16::new(9515);

/// Chromium, as a person uses it, but without its chat with its maker: every packet it sends is then one a test caused.
const OPTIONS: [&str; 14] = [
    "--headless=new",
    // The lab's namespaces already are a sandbox, and Chromium's own cannot be made inside them.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    "--lang=fr",
    "--accept-lang=fr-FR,fr",
    "--host-resolver-rules=MAP *.googleapis.com ~NOTFOUND, MAP accounts.google.com ~NOTFOUND, MAP clients*.google.com \
     ~NOTFOUND",
];

/// What differs between browsers of the lab.
#[derive(Clone, Copy, Debug, Default)]
pub struct Habits<'a> {
    /// Whether it speaks QUIC where a site offers it.
    pub quic: bool,
    /// The site that it speaks QUIC with, and nothing else.
    pub quic_alone_to: Option<&'a str>,
    /// The resolver it asks over HTTPS, and no other: a URL.
    pub own_resolver: Option<&'a str>,
}

/// A browser window. Dropping it closes the browser.
#[derive(Debug)]
pub struct Browser<'a> {
    lab: &'a Lab,
    who: String,
    session_url: String,
    _driver: Running,
}

impl<'a> Browser<'a> {
    /// Opens a browser with an inner window of `size` (width and height, pixels) on the machine `who`.
    ///
    /// # Errors
    /// When Chromium or its driver is missing or does not start, with what it says.
    pub fn open(lab: &'a Lab, who: &str, size: (u32, u32)) -> anyhow::Result<Self> {
        Self::open_with(lab, who, size, Habits::default())
    }

    /// As [`Browser::open`], with QUIC on, as browsers come.
    ///
    /// # Errors
    /// As [`Browser::open`].
    pub fn open_with_quic(lab: &'a Lab, who: &str, size: (u32, u32)) -> anyhow::Result<Self> {
        Self::open_with(lab, who, size, Habits { quic: true, ..Habits::default() })
    }

    /// As [`Browser::open`], with QUIC alone to the site called `name`: over QUIC Chromium trusts no authority that was
    /// added to its store, such as the lab's, unless it has no other way.
    ///
    /// # Errors
    /// As [`Browser::open`].
    pub fn open_with_quic_to(lab: &'a Lab, who: &str, size: (u32, u32), name: &str) -> anyhow::Result<Self> {
        Self::open_with(lab, who, size, Habits { quic_alone_to: Some(name), quic: true, ..Habits::default() })
    }

    /// As [`Browser::open`], with habits.
    ///
    /// # Errors
    /// As [`Browser::open`].
    pub fn open_with(lab: &'a Lab, who: &str, size: (u32, u32), habits: Habits<'_>) -> anyhow::Result<Self> {
        let port = NEXT_PORT.fetch_add(1, Ordering::Relaxed);
        let driver =
            lab.spawn(who, &format!("browser-{who}"), &["chromedriver", &format!("--port={port}")])?;
        let (width, height) = size;
        let mut options: Vec<String> = OPTIONS.map(str::to_owned).to_vec();
        options.push(format!("--window-size={width},{height}"));
        options.push(if habits.quic { "--enable-quic" } else { "--disable-quic" }.to_owned());
        options.extend(habits.quic_alone_to.map(|name| format!("--origin-to-force-quic-on={name}:443")));
        let mut chromium = json!({"binary": "/usr/bin/chromium", "args": options});
        if let Some(resolver) = habits.own_resolver {
            chromium["localState"] =
                json!({"dns_over_https.mode": "secure", "dns_over_https.templates": resolver});
        }
        let wish = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": chromium,
            "timeouts": {"pageLoad": PAGE_WAIT_MILLISECONDS_MAX, "implicit": 3000},
        }}});
        let base_url = format!("http://127.0.0.1:{port}/session");
        let mut browser = Self { lab, who: who.to_owned(), session_url: base_url, _driver: driver };
        let answer = wait_for(START_WAIT_MAX, || browser.ask("POST", "", &wish).ok());
        let Some(answer) = answer else {
            bail!("Chromium does not start on `{who}`: {}", browser._driver.log());
        };
        let session = answer["sessionId"].as_str().context("chromedriver gives no session")?;
        browser.session_url = format!("{}/{session}", browser.session_url);
        Ok(browser)
    }

    /// Opens so many browsers on the machine `who`, one a second, each a process with a profile, a cache and connections of its own,
    /// lets all of them load `url`, and gives what each then shows, as HTML, one after the other.
    ///
    /// # Errors
    /// When the machine cannot run them, or they take longer than `wait_max`.
    pub fn crowd(
        lab: &Lab,
        who: &str,
        browsers: usize,
        url: &str,
        wait_max: Duration,
    ) -> anyhow::Result<String> {
        let script = "dir=$(mktemp -d); trap 'rm -rf \"$dir\"' EXIT; count=$1; url=$2; shift 2; \
                      for at in $(seq \"$count\"); do \
                        /usr/bin/chromium \"$@\" --disable-quic --user-data-dir=\"$dir/$at\" --dump-dom \"$url\" \
                          > \"$dir/$at.html\" 2> /dev/null & sleep 1; \
                      done; wait; cat \"$dir\"/*.html";
        let count = browsers.to_string();
        let arguments = [&["bash", "-c", script, "crowd", &count, url], &OPTIONS[..]].concat();
        lab.run_for(who, &arguments, wait_max)?.checked()
    }

    /// Goes to `url` and waits until the page has loaded.
    ///
    /// # Errors
    /// When the page cannot be reached; the message holds Chromium's own word, such as `ERR_CONNECTION_RESET`.
    pub fn go(&self, url: &str) -> anyhow::Result<()> {
        self.ask("POST", "/url", &json!({"url": url})).map(drop)
    }

    /// The address of the page shown.
    ///
    /// # Errors
    /// When the browser is gone.
    pub fn current_url(&self) -> anyhow::Result<String> {
        self.text_of("/url")
    }

    /// The title of the page shown.
    ///
    /// # Errors
    /// When the browser is gone.
    pub fn title(&self) -> anyhow::Result<String> {
        self.text_of("/title")
    }

    /// The text a person sees on the page.
    ///
    /// # Errors
    /// When the browser is gone.
    pub fn text(&self) -> anyhow::Result<String> {
        self.text_at("body")
    }

    /// The text a person sees of what the CSS selector finds first.
    ///
    /// # Errors
    /// When the page has nothing of the kind.
    pub fn text_at(&self, selector: &str) -> anyhow::Result<String> {
        let element = self.find(selector)?;
        self.text_of(&format!("/element/{element}/text"))
    }

    /// Types `text` into the field called `name`, in place of what stands there.
    ///
    /// # Errors
    /// When the page has no such field.
    pub fn type_into(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let field = self.find(&format!("[name=\"{name}\"]"))?;
        self.ask("POST", &format!("/element/{field}/clear"), &json!({}))?;
        self.ask("POST", &format!("/element/{field}/value"), &json!({"text": text})).map(drop)
    }

    /// Clicks what the CSS selector finds first, such as `[type=submit]`.
    ///
    /// # Errors
    /// When the page has nothing of the kind.
    pub fn click(&self, selector: &str) -> anyhow::Result<()> {
        let element = self.find(selector)?;
        self.ask("POST", &format!("/element/{element}/click"), &json!({})).map(drop)
    }

    /// Has a cookie for the site at `url`, as if it had been set there.
    ///
    /// # Errors
    /// When the browser does not take it.
    pub fn keep_cookie(&self, url: &str, name: &str, value: &str) -> anyhow::Result<()> {
        let cookie = json!({"url": url, "name": name, "value": value, "path": "/", "secure": true});
        let kept = self.developer("Network.setCookie", &cookie)?;
        ensure!(kept["success"] == json!(true), "the browser does not keep the cookie `{name}`");
        Ok(())
    }

    /// The window as a PNG image.
    ///
    /// # Errors
    /// When the browser is gone.
    pub fn screenshot(&self) -> anyhow::Result<Vec<u8>> {
        let script = "curl --silent --fail --max-time 30 \"$0/screenshot\" | jq --raw-output .value | base64 -d > image.png";
        self.lab.run(&self.who, &["sh", "-c", script, &self.session_url])?.checked()?;
        let image_path = self.lab.door().file_path(&self.who).join("image.png");
        fs::read(image_path).context("cannot read the image")
    }

    fn find(&self, selector: &str) -> anyhow::Result<String> {
        let answer = self.ask("POST", "/element", &json!({"using": "css selector", "value": selector}))?;
        let id = answer[ELEMENT].as_str().with_context(|| format!("the page has no `{selector}`"))?;
        Ok(id.to_owned())
    }

    fn text_of(&self, path: &str) -> anyhow::Result<String> {
        let answer = self.ask("GET", path, &Value::Null)?;
        Ok(answer.as_str().context("chromedriver answers no text")?.to_owned())
    }

    /// Asks the driver from the machine itself and returns the answer's value.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
        let url = format!("{}{path}", self.session_url);
        let mut arguments =
            vec!["curl", "--silent", "--show-error", "--max-time", "60", "--request", method, &url];
        if !body.is_null() {
            arguments.extend(["--header", "content-type: application/json", "--data-binary", "@-"]);
        }
        let mut curl = self.lab.command(&self.who, &arguments)?;
        curl.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut curl = curl.spawn().context("cannot enter the lab")?;
        if let Some(mut stdin) = curl.stdin.take() {
            stdin.write_all(body.to_string().as_bytes()).context("cannot ask chromedriver")?;
        }
        let output = curl.wait_with_output().context("cannot wait for curl")?;
        if !output.status.success() {
            bail!("chromedriver does not answer: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let mut answer: Value =
            serde_json::from_slice(&output.stdout).context("chromedriver answers no JSON")?;
        let value = answer["value"].take();
        if let Some(error) = value["error"].as_str() {
            let message = value["message"].as_str().unwrap_or_default().lines().next().unwrap_or_default();
            bail!("{error}: {message}");
        }
        Ok(value)
    }
}

impl Drop for Browser<'_> {
    fn drop(&mut self) {
        // When the session is already gone, its driver is killed all the same, right after.
        self.ask("DELETE", "", &Value::Null).ok();
    }
}
