//! What goes in comes out, byte for byte, whatever happens on the way.

mod bad_lines;
mod export;
mod generate;
mod resume;
mod round_trip;
mod versions;
mod world;
