;; world: http
(import "wasi:http/types@0.2.0" "[constructor]fields" (func $foreign (result i32)))
(func $misdeed (drop (call $foreign)))
