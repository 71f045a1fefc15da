//! The use cases against a real store, with a clock and randomness that tests move.

mod amend;
mod bundles;
mod decide;
mod extend;
mod fetch;
mod fleet;
mod glass;
mod halt;
mod harness;
mod history;
mod hours;
mod jumps;
mod keys;
mod load;
mod model;
mod notice;
mod programs;
mod rebind;
mod seeded;
mod stages;
mod stop;
mod submit;
mod tampered;
