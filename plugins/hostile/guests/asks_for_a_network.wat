;; world: sockets
(import "wasi:sockets/instance-network@0.2.0" "instance-network" (func $foreign (result i32)))
(func $misdeed (drop (call $foreign)))
