;; world: handles
;; Of its own resource: the contract has none.
(import "[export]hostile:guests/hoard" "[resource-new]handle" (func $new (param i32) (result i32)))
(func $misdeed
  (loop $ever
    (drop (call $new (i32.const 1)))
    (br $ever)))
