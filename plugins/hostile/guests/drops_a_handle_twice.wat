;; world: handles
(import "[export]hostile:guests/hoard" "[resource-new]handle" (func $new (param i32) (result i32)))
(import "[export]hostile:guests/hoard" "[resource-drop]handle" (func $drop (param i32)))
(func $misdeed
  (local $handle i32)
  (local.set $handle (call $new (i32.const 1)))
  (call $drop (local.get $handle))
  (call $drop (local.get $handle)))
