;; Which nobody catches.
(tag $thrown)
(func $misdeed (throw $thrown))
