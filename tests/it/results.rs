//! One result: threads, sizes of batches and layouts change the speed, never what is stored. And
//! what says the same as before is no change.

mod batches;
mod compare;
mod layouts;
mod limits;
