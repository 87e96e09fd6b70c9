package output

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/alert/message"
	"bluetrail/internal/alert/send"
	"bluetrail/internal/config"
	"bluetrail/internal/diag"
	"bluetrail/internal/state"

	"github.com/VictoriaMetrics/metrics"
)

// Status is how an output does.
type Status struct {
	state.OutputState
	Type    string
	Routed  bool   // alerts lead to it
	Problem string // "" = none
}

// List returns how the outputs of a configuration do, in its order.
func List(db *state.DB, cfg *config.Config) ([]Status, error) {
	d, err := Open(db, cfg, nil)
	if err != nil {
		return nil, err
	}
	var list []Status
	for _, o := range d.outputs {
		s, err := d.status(o)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

func (d *Delivery) status(o *send.Output) (Status, error) {
	st, err := d.db.Output(o.Name)
	if err != nil {
		return Status{}, err
	}
	s := Status{OutputState: st, Type: o.Type, Routed: len(d.cfg.Routes) == 0}
	for _, r := range d.cfg.Routes {
		s.Routed = s.Routed || slices.Contains(r.Outputs, o.Name)
	}
	switch err := o.Ready(); {
	case err != nil:
		s.Problem = err.Error()
	case s.Streak > 0:
		s.Problem = fmt.Sprintf("failed tries since the last success: %d, most recently at %s: %s", s.Streak, time.UnixMilli(s.Failure).UTC().Format(time.DateTime), s.Error)
	case s.Dead > 0:
		s.Problem = fmt.Sprintf("%d messages were given up; see bluetrail output dead list", s.Dead)
	}
	return s, nil
}

// Test sends a message that is marked as a test to an output and returns what came back.
func Test(ctx context.Context, cfg *config.Config, name string) (reply string, err error) {
	o, err := named(cfg, name)
	if err != nil {
		return "", err
	}
	key := newKey()
	return o.Send(ctx, &message.Batch{Key: key, Messages: []message.Message{message.Sample(key, time.Now())}})
}

// Result sends the result of a search to an output, once.
func Result(ctx context.Context, cfg *config.Config, name string, r *message.Result) error {
	o, err := named(cfg, name)
	if err != nil {
		return err
	}
	return once(ctx, o, r)
}

// Mail sends the result of a search by the first output of type email that has all of
// the addresses, and to no others.
func Mail(ctx context.Context, cfg *config.Config, to []string, r *message.Result) error {
	var known []string
	for _, c := range cfg.Outputs {
		if c.Type != "email" {
			continue
		}
		var list []string
		for _, s := range c.To {
			if a, err := mail.ParseAddress(s); err == nil {
				list = append(list, strings.ToLower(a.Address))
			}
		}
		known = append(known, list...)
		if slices.ContainsFunc(to, func(s string) bool { return !slices.Contains(list, strings.ToLower(s)) }) {
			continue
		}
		c.To = to
		o, err := send.Open(c)
		if err != nil {
			return err
		}
		return once(ctx, o, r)
	}
	if known == nil {
		return errors.New("the configuration has no output of type email")
	}
	return fmt.Errorf("no output of type email sends to all of %s; the configuration has %s", strings.Join(to, ", "), strings.Join(known, ", "))
}

func once(ctx context.Context, o *send.Output, r *message.Result) error {
	m := message.Message{Key: newKey(), Time: time.Now().UTC(), Result: r}
	if _, err := o.Send(ctx, &message.Batch{Key: m.Key, Messages: []message.Message{m}}); err != nil {
		return fmt.Errorf("output %q: %w", o.Name, err)
	}
	return nil
}

// named returns an output by its name.
func named(cfg *config.Config, name string) (*send.Output, error) {
	var names []string
	for i := range cfg.Outputs {
		if cfg.Outputs[i].Name == name {
			return send.Open(cfg.Outputs[i])
		}
		names = append(names, cfg.Outputs[i].Name)
	}
	if names == nil {
		return nil, fmt.Errorf("there is no output %q: the configuration has no outputs", name)
	}
	if near := diag.DidYouMean(name, names); near != "" {
		return nil, fmt.Errorf("there is no output %q; %s", name, near)
	}
	return nil, fmt.Errorf("there is no output %q; the configuration has %s", name, strings.Join(names, ", "))
}

// Measure adds the metrics of outputs.
func (d *Delivery) Measure(set *metrics.Set) {
	set.RegisterMetricsWriter(func(w io.Writer) {
		for _, o := range d.outputs {
			s, err := d.db.Output(o.Name)
			if err != nil {
				d.log.Error("the metrics of an output cannot be read", keyOutput, o.Name, keyErr, err)
				continue
			}
			label := fmt.Sprintf("{output=%q}", o.Name)
			for _, c := range []struct {
				name string
				n    int64
			}{{"sent", s.Sent}, {"failures", s.Failed}, {"held", s.Held}, {"dropped", s.Dropped}} {
				metrics.WriteCounterUint64(w, "bluetrail_output_"+c.name+"_total"+label, uint64(c.n))
			}
			for _, g := range []struct {
				name string
				n    int64
			}{{"waiting", s.Waiting}, {"dead", s.Dead}, {"failing_tries", s.Streak}, {"last_success_timestamp_seconds", s.Success / 1000}} {
				metrics.WriteGaugeUint64(w, "bluetrail_output_"+g.name+label, uint64(g.n))
			}
		}
	})
}
