;; Most of which are dropped.
(func $misdeed
  (local $i i32)
  (loop $more
    (call $say (i32.const 320) (i32.const 17))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $i) (i32.const 10000)))))
