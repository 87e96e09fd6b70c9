// Package send sends messages to outputs: one kind of output a file.
package send

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"bluetrail/internal/alert/message"
	"bluetrail/internal/config"
)

// Sender sends to one output. It is for one goroutine.
type Sender interface {
	// Send sends messages at once. The reply is what the other side said. The error of
	// what will never be taken is a *Failure.
	Send(ctx context.Context, b *message.Batch) (reply string, err error)
}

// Failure is an error of which more is known.
type Failure struct {
	Reason string
	Final  bool          // the message will never be taken
	After  time.Duration // when the other side wants to be asked again, 0 = it did not say
}

func (f *Failure) Error() string { return f.Reason }

// Output is an output of the configuration.
type Output struct {
	config.Output
	texts  *message.Template
	sender Sender
	made   func() (Sender, error)
}

// makers make senders, by type.
var makers = map[string]func(o *Output) (Sender, error){
	"webhook":     newWebhook,
	"slack":       newSlack,
	"teams":       newTeams,
	"discord":     newDiscord,
	"pagerduty":   newPagerDuty,
	"opsgenie":    newOpsgenie,
	"shoutrrr":    newShoutrrr,
	"email":       newEmail,
	"sns":         newSNS,
	"securityhub": newSecurityHub,
	"syslog":      newSyslog,
	"file":        newFile,
}

// Open prepares an output. It reaches for nothing yet.
func Open(o config.Output) (*Output, error) {
	make, ok := makers[o.Type]
	if !ok {
		return nil, fmt.Errorf("output %q: there is no type %q", o.Name, o.Type)
	}
	texts, err := message.Parse(o.Title, o.Text)
	if err != nil {
		return nil, fmt.Errorf("output %q: %w", o.Name, err)
	}
	out := &Output{Output: o, texts: texts}
	out.made = func() (Sender, error) { return make(out) }
	return out, nil
}

// mostReply bounds what is shown of a reply, in bytes.
const mostReply = 300

// Send sends messages at once, within the output's timeout. Neither the reply nor the
// error contains a secret or control characters.
func (o *Output) Send(ctx context.Context, b *message.Batch) (reply string, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	if o.sender == nil {
		if o.sender, err = o.made(); err != nil {
			return "", o.clean(err)
		}
	}
	if reply, err = o.sender.Send(ctx, b); err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = fmt.Errorf("no answer within %s", o.Timeout)
		}
		return "", o.clean(err)
	}
	return message.Plain(message.Clip(o.redact(reply), mostReply)), nil
}

// clean returns an error without secrets and control characters.
func (o *Output) clean(err error) error {
	f := &Failure{}
	if !errors.As(err, &f) {
		f = &Failure{}
	}
	return &Failure{Reason: message.Plain(message.Clip(o.redact(err.Error()), 2*mostReply)), Final: f.Final, After: f.After}
}

// Machine reports whether a program reads what the output gets, so that it hears of
// closed alerts, too.
func (o *Output) Machine() bool {
	return strings.Contains(" webhook pagerduty opsgenie securityhub syslog file ", " "+o.Type+" ")
}
