//! Floor, echo and product in turn, at each number of callers.

use crate::failure::Failure;
use crate::figures::{median, number};
use crate::side::{Side, Timed};

/// The numbers of callers that are judged.
pub(crate) const CALLERS: [usize; 3] = [1, 16, 128];

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// How often each is measured.
    pub(crate) pairs: usize,
    /// How long a timed part of floor or product lasts, about.
    pub(crate) seconds: f64,
}

/// The three servers.
pub(crate) struct Sides {
    pub(crate) floor: Side,
    pub(crate) product: Side,
    pub(crate) echo: Side,
}

/// What was measured with one number of callers, one value for each round.
pub(crate) struct Level {
    pub(crate) callers: usize,
    pub(crate) floor: Vec<Timed>,
    pub(crate) product: Vec<Timed>,
    pub(crate) echo: Vec<Timed>,
}

/// Measures one number of callers. Each round has a part of every server, and every second round turns their order
/// around, so that what drifts on the machine touches all alike.
pub(crate) async fn level(sides: &mut Sides, callers: usize, effort: Effort) -> Result<Level, Failure> {
    let floor = part_size(&mut sides.floor, callers, effort).await?;
    let product = part_size(&mut sides.product, callers, effort).await?;
    let echo = part_size(&mut sides.echo, callers, effort).await?;
    let mut level = Level { callers, floor: Vec::new(), product: Vec::new(), echo: Vec::new() };
    for round in 0..effort.pairs {
        level.echo.push(sides.echo.part(callers, echo).await?);
        if round % 2 == 0 {
            level.floor.push(sides.floor.part(callers, floor).await?);
            level.product.push(sides.product.part(callers, product).await?);
        } else {
            level.product.push(sides.product.part(callers, product).await?);
            level.floor.push(sides.floor.part(callers, floor).await?);
        }
    }
    Ok(level)
}

/// Warms a server up, and reckons how many calls a part has. A statement lives for a minute from its signing, so a part
/// must be shorter than that even when the machine is slower than it was.
async fn part_size(side: &mut Side, callers: usize, effort: Effort) -> Result<usize, Failure> {
    let first = side.part(callers, 250 + callers * 4).await?;
    let second = side.part(callers, 250 + callers * 16).await?;
    let calls = first.per_second.max(second.per_second) * effort.seconds;
    Ok(whole(calls).clamp(200, 400_000))
}

/// The whole part of a number of calls.
fn whole(calls: f64) -> usize {
    // There is no lossless way from f64; what is asked for here is below 2^32.
    (0..usize::BITS)
        .rev()
        .map(|bit| 1usize.checked_shl(bit).unwrap_or(0))
        .fold(0, |sum, bit| if number(sum | bit) <= calls { sum | bit } else { sum })
}

impl Level {
    /// The median of one figure over the rounds of one server.
    pub(crate) fn median(parts: &[Timed], figure: impl Fn(&Timed) -> f64) -> f64 {
        median(&parts.iter().map(figure).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_becomes_a_whole_number_of_calls() {
        for (calls, count) in [(0.0, 0), (0.9, 0), (1.0, 1), (12_345.9, 12_345), (-1.0, 0)] {
            assert_eq!(whole(calls), count, "{calls}");
        }
    }
}
