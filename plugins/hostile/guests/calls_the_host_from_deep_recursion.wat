;; With hardly any stack left.
(func $down
  (call $get (i32.const 288) (i32.const 5) (i32.const 288) (i32.const 5) (i32.const 600))
  (global.set $heap (i32.const 131072))
  (call $down)
  (global.set $armed (i32.const 1)))
(func $misdeed (call $down))
