package send

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"bluetrail/internal/alert/message"

	"github.com/wneessen/go-mail"
)

type email struct{ o *Output }

func newEmail(o *Output) (Sender, error) { return &email{o}, nil }

// mailPorts are used when the server has none.
var mailPorts = map[string]int{"starttls": 587, "tls": 465, "none": 25}

// Send implements Sender. Mails are plain text only.
func (e *email) Send(ctx context.Context, b *message.Batch) (string, error) {
	title, text, err := e.o.both(b, message.Text, message.Text)
	if err != nil {
		return "", err
	}
	m := mail.NewMsg(mail.WithEncoding(mail.EncodingQP), mail.WithCharset(mail.CharsetUTF8))
	if err := errors.Join(m.From(e.o.From), m.To(e.o.To...)); err != nil {
		return "", err
	}
	m.Subject("[bluetrail] " + runes(title, 200))
	m.SetDate()
	m.SetMessageIDWithValue(b.Key + "@bluetrail")
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader(MessageID, b.Key)
	m.SetBodyString(mail.TypeTextPlain, text)
	c, err := e.client()
	if err != nil {
		return "", err
	}
	if err := c.DialAndSendWithContext(ctx, m); err != nil {
		var s *mail.SendError
		if errors.As(err, &s) {
			return "", &Failure{Reason: err.Error(), Final: !s.IsTemp() && s.ErrorCode() >= 500}
		}
		return "", err
	}
	return "accepted by " + e.o.Server, nil
}

func (e *email) client() (*mail.Client, error) {
	host, port := e.o.Server, mailPorts[e.o.TLS]
	if h, p, err := net.SplitHostPort(e.o.Server); err == nil {
		if host = h; p != "" {
			if port, err = strconv.Atoi(p); err != nil {
				return nil, fmt.Errorf("server %q has no port: %w", e.o.Server, err)
			}
		}
	}
	trust, err := trusted(e.o.CA)
	if err != nil {
		return nil, err
	}
	trust.ServerName = host
	opts := []mail.Option{mail.WithPort(port), mail.WithTimeout(e.o.Timeout), mail.WithTLSConfig(trust)}
	switch e.o.TLS {
	case "tls":
		opts = append(opts, mail.WithSSL())
	case "none":
		opts = append(opts, mail.WithTLSPolicy(mail.NoTLS))
	default:
		opts = append(opts, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if e.o.User != "" {
		password, err := e.o.Password.Read()
		if err != nil {
			return nil, err
		}
		opts = append(opts, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(e.o.User), mail.WithPassword(password))
	}
	return mail.NewClient(host, opts...)
}
