(func $down (param $n i32)
  (if (local.get $n) (then (call $down (i32.sub (local.get $n) (i32.const 1)))))
  (global.set $armed (i32.const 1)))
(func $misdeed (call $down (i32.const 1000)))
