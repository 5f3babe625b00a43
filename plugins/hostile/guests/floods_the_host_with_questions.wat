;; About the run: the answer has to be allocated each time.
(func $misdeed
  (loop $ever
    (global.set $heap (i32.const 131072))
    (call $current (i32.const 600))
    (br $ever)))
