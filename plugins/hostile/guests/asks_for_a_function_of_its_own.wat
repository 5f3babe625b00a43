;; world: unknown-function
(import "$root" "tell" (func $foreign (result i32)))
(func $misdeed (drop (call $foreign)))
