;; From the start, again and again; told of the limit, it traps.
(func $misdeed
  (loop $more
    (global.set $heap (i32.const 131072))
    (call $scan (i32.const 288) (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 0)
      (i32.const 1000) (i32.const 600))
    (call $expect (i32.const 0))
    (br $more)))
