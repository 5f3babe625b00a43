;; When it is told that a limit is reached.
(func $misdeed
  (loop $more
    (call $note (i32.const 288) (i32.const 5))
    (call $expect (i32.const 0))
    (br $more)))
