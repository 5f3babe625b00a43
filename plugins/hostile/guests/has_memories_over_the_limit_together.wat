;; Each of its memories is small enough, all of them are not.
(memory $second 250)
(memory $third 270)
