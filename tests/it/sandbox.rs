//! The sandbox from outside: what is compiled where, what is kept, what is granted, what is bounded.

mod cache;
mod compiler;
mod determinism;
mod grants;
mod limits;
mod wasi;
