//! How a page looks to different people: width, zoom, light or dark; and what axe-core finds in it.
//!
//! A browser's zoom of 200 % halves the page's width and doubles its pixels, which is what a [`View`] asks of Chromium.

use std::{fmt, fs, path::PathBuf};

use anyhow::{Context as _, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::browser::Browser;

/// The heights of controls that a finger hits, in pixels of the page.
const TARGET_HEIGHT_MIN: u32 = 44;

/// Runs axe-core, which stands before it, with all its rules, and looks for what it does not: a page wider than its
/// window, and controls too low for a finger.
/// What is folded is unfolded first.
const AUDIT: &str = "
document.querySelectorAll('details').forEach(one => one.open = true);
return axe.run({resultTypes: ['violations']}).then(found => {
  const faults = found.violations.map(rule => rule.id + ': ' +
    rule.nodes.map(node => node.html.slice(0, 120)).join(' | '));
  if (document.documentElement.scrollWidth > innerWidth) {
    faults.push('wider than its window by ' + (document.documentElement.scrollWidth - innerWidth) + ' px');
  }
  const controls = 'button, .button, input:not([type=radio]):not([type=checkbox]):not([type=hidden]), select, ' +
    '.places a, .tabs a, .tongue, summary, .choices label';
  for (const control of document.querySelectorAll(controls)) {
    const height = control.getBoundingClientRect().height;
    if (control.getClientRects().length && height < arguments[0] - 0.1) {
      faults.push('too low for a finger (' + Math.round(height) + ' px): ' + control.outerHTML.slice(0, 120));
    }
  }
  return faults;
});";

/// Gives the page's controls in their order, a group of radio buttons once, as texts that tell them apart.
/// What is folded is unfolded first.
const CONTROLS: &str = "
document.querySelectorAll('details').forEach(one => one.open = true);
const seen = new Set();
return [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex=\"0\"]')]
  .filter(control => control.getClientRects().length && !control.disabled && control.type !== 'hidden')
  .filter(control => control.type !== 'radio' || !seen.has(control.name) && seen.add(control.name))
  .map(control => control.type === 'radio' ? 'radio ' + control.name : control.outerHTML.slice(0, 160));";

/// Tells of the control that has the focus: what it is, and whether one sees that it has it.
const FOCUSED: &str = "
const control = document.activeElement, style = getComputedStyle(control), box = control.getBoundingClientRect();
return [control === document.body ? '' :
  control.type === 'radio' ? 'radio ' + control.name : control.outerHTML.slice(0, 160),
  style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && box.width > 0 &&
  box.bottom > 0 && box.top < innerHeight];";

/// The stops that the key makes inside one field of day and time, after the first: month, year, hour, minute, half of the
/// day, and the button of the calendar.
const DATE_PARTS_MAX: u32 = 6;

/// What somebody has in front of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// The window's width in pixels of the screen.
    pub width: u32,
    /// The window's height in pixels of the screen.
    pub height: u32,
    /// The browser's zoom: 1, or 2 for 200 %.
    pub zoom: u32,
    /// Whether the person prefers dark pages.
    pub is_dark: bool,
}

impl View {
    /// A window of this size, light and without zoom.
    #[must_use]
    pub const fn of(width: u32, height: u32) -> Self {
        Self { width, height, zoom: 1, is_dark: false }
    }

    /// Every view a page must stand: a small and a usual phone, a laptop plain and at 200 %, an interactive whiteboard, a
    /// screen of 3840 pixels; dark, whose colours are the same at every width, on the phone and the laptop.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let (phone, laptop) = (Self::of(390, 844), Self::of(1440, 900));
        let light = [Self::of(320, 640), phone, laptop, Self { zoom: 2, ..laptop }];
        let wide = [Self::of(1920, 1080), Self::of(3840, 2160)];
        let dark = [phone, laptop].map(|view| Self { is_dark: true, ..view });
        light.into_iter().chain(wide).chain(dark).collect()
    }

    /// What a page must stand that is made of the same parts as those seen in [`View::all`]: the smallest phone, and a
    /// laptop in the dark at 200 %.
    #[must_use]
    pub fn few() -> [Self; 2] {
        [Self::of(320, 640), Self { zoom: 2, is_dark: true, ..Self::of(1440, 900) }]
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shade = if self.is_dark { "dark" } else { "light" };
        write!(f, "{}x{} {shade} at {} %", self.width, self.height, self.zoom * 100)
    }
}

/// The text of axe-core, as `.ci/install` fetched it; none where it did not.
#[must_use]
pub fn axe_core() -> Option<String> {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/axe-core/axe.min.js")).ok()
}

impl Browser<'_> {
    /// Shows pages as in `view` from here on.
    ///
    /// # Errors
    /// When the browser is gone.
    pub fn look_as(&self, view: View) -> anyhow::Result<()> {
        let (width, height) = (view.width / view.zoom, view.height / view.zoom);
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": view.zoom, "mobile": width < 600,
        });
        self.developer("Emulation.setDeviceMetricsOverride", &metrics)?;
        let scheme = if view.is_dark { "dark" } else { "light" };
        let features = json!([
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        self.developer("Emulation.setEmulatedMedia", &json!({"features": features})).map(drop)
    }

    /// What `axe_core` and we find wrong with the page shown; nothing for a good one.
    ///
    /// # Errors
    /// When the browser is gone or axe-core fails.
    pub fn audit(&self, axe_core: &str) -> anyhow::Result<Vec<String>> {
        // Its half megabyte is sent once a page, not once a view.
        if self.execute("return window.axe === undefined;", &json!([]))? == json!(true) {
            self.execute(&format!("{axe_core};window.axe = axe;"), &json!([]))?;
        }
        let found = self.execute(AUDIT, &json!([TARGET_HEIGHT_MIN]))?;
        let faults = found.as_array().context("axe-core gives no list")?;
        Ok(faults.iter().map(|fault| fault.as_str().unwrap_or_default().to_owned()).collect())
    }

    /// Loads the page again and walks through it with the tabulator key and tells what is wrong: controls that are not reached in their
    /// order, or do not show that they have the focus.
    ///
    /// # Errors
    /// When the browser is gone.
    pub fn walk(&self) -> anyhow::Result<Vec<String>> {
        self.ask("POST", "/refresh", &json!({}))?;
        let controls = self.execute(CONTROLS, &json!([]))?;
        let controls = controls.as_array().context("the page gives no list of its controls")?;
        let mut faults = Vec::new();
        let mut before = &Value::Null;
        for control in controls {
            let mut focused = self.tab()?;
            for _ in 0..DATE_PARTS_MAX {
                if before.is_null() || focused[0] != *before {
                    break;
                }
                focused = self.tab()?;
            }
            before = control;
            if focused[0] != *control {
                faults.push(format!("{} has the focus instead of {control}", focused[0]));
                break;
            }
            if focused[1] != json!(true) {
                faults.push(format!("{control} does not show that it has the focus"));
            }
        }
        Ok(faults)
    }

    /// Presses the tabulator key; says what [`FOCUSED`] says.
    fn tab(&self) -> anyhow::Result<Value> {
        self.press("\u{e004}")?;
        self.execute(FOCUSED, &json!([]))
    }

    /// The whole page as a PNG image, also below the window's end.
    ///
    /// # Errors
    /// When the browser is gone.
    pub fn picture(&self) -> anyhow::Result<Vec<u8>> {
        let size = "const page = document.documentElement; return [page.clientWidth, page.scrollHeight];";
        let size = self.execute(size, &json!([]))?;
        let clip = json!({"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1});
        let wish = json!({"captureBeyondViewport": true, "clip": clip});
        let taken = self.developer("Page.captureScreenshot", &wish)?;
        let image = taken["data"].as_str().context("Chromium gives no picture")?;
        STANDARD.decode(image).context("Chromium gives no picture")
    }

    /// Runs a script in the page, whatever its policy says of scripts, and waits for what it promises.
    fn execute(&self, script: &str, arguments: &Value) -> anyhow::Result<Value> {
        self.ask("POST", "/execute/sync", &json!({"script": script, "args": arguments}))
    }

    /// Presses a key, by its number in W3C WebDriver.
    fn press(&self, key: &str) -> anyhow::Result<()> {
        let presses = json!([{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]);
        let keyboard = json!({"actions": [{"type": "key", "id": "keyboard", "actions": presses}]});
        self.ask("POST", "/actions", &keyboard).map(drop)
    }

    /// Asks Chromium by its own developers' protocol.
    pub(crate) fn developer(&self, command: &str, parameters: &Value) -> anyhow::Result<Value> {
        let answer = self.ask("POST", "/goog/cdp/execute", &json!({"cmd": command, "params": parameters}))?;
        if answer.is_string() {
            bail!("Chromium refuses `{command}`: {answer}");
        }
        Ok(answer)
    }
}
