;; message.el - Emacs' own mode for mail, by sendmail; MARK is in the environment.
(require 'message)
(setq message-send-mail-function 'message-send-mail-with-sendmail
      user-mail-address "alice@example.test")
(message-mail "a@example.net" (getenv "MARK"))
(message-goto-body)
(insert "Two lines\n.\n")
(message-send-and-exit)
