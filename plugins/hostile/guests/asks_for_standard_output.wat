;; world: stdout
(import "wasi:cli/stdout@0.2.0" "get-stdout" (func $foreign (result i32)))
(func $misdeed (drop (call $foreign)))
