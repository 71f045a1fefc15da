//! The use cases against a real store, with a clock and randomness that tests move.

mod amend;
mod bundles;
mod decide;
mod fetch;
mod fleet;
mod halt;
mod harness;
mod history;
mod hours;
mod keys;
mod load;
mod model;
mod notice;
mod programs;
mod seeded;
mod stages;
mod stop;
mod submit;
mod tampered;
