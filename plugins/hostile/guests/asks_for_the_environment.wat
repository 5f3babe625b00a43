;; world: environment
(import "wasi:cli/environment@0.2.0" "get-environment" (func $foreign (param i32)))
(func $misdeed (call $foreign (i32.const 600)))
