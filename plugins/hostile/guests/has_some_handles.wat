;; world: handles
(import "[export]hostile:guests/hoard" "[resource-new]handle" (func $new (param i32) (result i32)))
(func $misdeed
  (local $i i32)
  (loop $more
    (drop (call $new (i32.const 1)))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $i) (i32.const 900)))))
