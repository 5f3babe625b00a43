;; world: unknown
(import "hostile:guests/secrets" "tell" (func $foreign (result i32)))
(func $misdeed (drop (call $foreign)))
