;; Which have no bytes to be counted.
(func $misdeed
  (local $i i32)
  (loop $more
    (call $say (i32.const 0) (i32.const 0))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $i) (i32.const 10000)))))
