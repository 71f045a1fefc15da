//! How far something is, once it takes a while.

use crate::app::App;

/// What is over sooner needs no bar.
const SOON_MS: u64 = 1_000;

/// A bar on the terminal, if there is one; dropped, it is gone.
pub(crate) struct Bar<'a> {
    app: &'a App<'a>,
    total: u64,
    of: &'static str,
    began: u64,
}

impl<'a> Bar<'a> {
    /// A bar that begins now, for so many of these.
    pub(crate) fn new(app: &'a App<'a>, total: u64, of: &'static str) -> Self {
        Self { app, total, of, began: app.context.clock.since_boot_ms() }
    }

    /// So many are done.
    pub(crate) fn show(&self, done: u64) {
        let took = self.app.context.clock.since_boot_ms().saturating_sub(self.began);
        if took >= SOON_MS {
            self.app.context.terminal.progress(Some(&bar(done, self.total, took, self.of)));
        }
    }
}

impl Drop for Bar<'_> {
    fn drop(&mut self) {
        self.app.context.terminal.progress(None);
    }
}

/// `[#####---------------] 25,000 of 100,000 requests, 12s left`
fn bar(done: u64, total: u64, took_ms: u64, of: &str) -> String {
    const WIDTH: u64 = 20;
    // Requests that came since the beginning are more than there were.
    let total = total.max(done).max(1);
    let full = done.saturating_mul(WIDTH) / total;
    let cell = |place| if place < full { '#' } else { '-' };
    let cells: String = (0..WIDTH).map(cell).collect();
    let left =
        took_ms.saturating_mul(total - done).checked_div(done).map(|ms| format!(", {}s left", ms.div_ceil(1000)));
    format!("[{cells}] {} of {} {of}{}", grouped(done), grouped(total), left.unwrap_or_default())
}

/// A number as people read it: `100,000`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_says_how_far_it_is_and_how_long_it_takes() {
        let bar = |done, total, took| bar(done, total, took, "requests");
        assert_eq!(bar(0, 100_000, 1_000), "[--------------------] 0 of 100,000 requests");
        assert_eq!(bar(25_000, 100_000, 4_000), "[#####---------------] 25,000 of 100,000 requests, 12s left");
        assert_eq!(bar(7, 5, 1_000), "[####################] 7 of 7 requests, 0s left");
        assert_eq!(
            ["0", "999", "1,000", "1,234,567"],
            [0, 999, 1000, 1_234_567].map(grouped).each_ref().map(String::as_str)
        );
    }
}
