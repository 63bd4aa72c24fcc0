# mail.rb MARK - the mail library of Ruby on Rails.
require 'mail'

Mail.defaults { delivery_method :sendmail }
Mail.deliver do
  from 'web@example.test'
  to 'a@example.net'
  bcc 'b@example.net'
  subject ARGV[0]
  body "Two lines\n.\n"
end
