(func $"\1b[31mevil\07\c2\9b1m\0d" (unreachable))
(func $misdeed (call $"\1b[31mevil\07\c2\9b1m\0d"))
