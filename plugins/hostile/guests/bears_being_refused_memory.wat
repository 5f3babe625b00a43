;; Asks until there is no more, and goes on without.
(func $misdeed
  (loop $more
    (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))))
