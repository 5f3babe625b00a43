;; world: random
(import "wasi:random/random@0.2.0" "get-random-u64" (func $foreign (result i64)))
(func $misdeed (drop (call $foreign)))
