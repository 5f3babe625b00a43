;; world: clocks
(import "wasi:clocks/monotonic-clock@0.2.0" "now" (func $foreign (result i64)))
(func $misdeed (drop (call $foreign)))
