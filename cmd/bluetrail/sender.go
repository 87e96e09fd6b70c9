package main

import (
	"context"

	"bluetrail/internal/alert/message"
	"bluetrail/internal/alert/output"
	"bluetrail/internal/config"
	"bluetrail/internal/spl/exec"
)

// sender sends what sendalert and sendemail give to outputs of the configuration.
type sender struct{ cfg *config.Config }

// Send implements exec.Sender.
func (s sender) Send(ctx context.Context, g *exec.Sending) error {
	r := &message.Result{Title: g.Title, Text: g.Text, Names: g.Names, Rows: g.Rows, Total: g.Total}
	if g.Output == "" {
		return output.Mail(ctx, s.cfg, g.To, r)
	}
	return output.Result(ctx, s.cfg, g.Output, r)
}
