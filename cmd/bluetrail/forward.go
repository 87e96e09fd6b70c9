package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/control"
	"bluetrail/internal/ingest"
	"bluetrail/internal/store/vlogs"
)

// forwarded is a verb that opens a data directory. When a server has that open,
// the server runs the verb.
type forwarded interface {
	Run(*app) error
	// home returns the data directory that the verb opens, "" when it opens none.
	home(*app) string
}

// verbs are those that a server runs, by name.
var verbs = map[string]func() forwarded{
	apiVerb:    func() forwarded { return &apiCmd{} },
	"demo":     func() forwarded { return &demoCmd{} },
	"search":   func() forwarded { return &searchCmd{} },
	"show":     func() forwarded { return &showCmd{} },
	"fields":   func() forwarded { return &fieldsCmd{} },
	"summary":  func() forwarded { return &summaryCmd{} },
	"trace":    func() forwarded { return &traceCmd{} },
	"exposure": func() forwarded { return &exposureCmd{} },
	"canary":   func() forwarded { return &canaryCmd{} },
	"hunt":     func() forwarded { return &huntCmd{} },
	"export":   func() forwarded { return &exportCmd{} },
	"explain":  func() forwarded { return &splExplainCmd{} },
	"ingest":   func() forwarded { return &ingestCmd{} },
	"doctor":   func() forwarded { return &doctorCmd{} },
	"repair":   func() forwarded { return &repairCmd{} },
	"backup":   func() forwarded { return &backupCmd{} },

	"rules backtest": func() forwarded { return &rulesBacktestCmd{} },
	"rules tune":     func() forwarded { return &rulesTuneCmd{} },

	"rules state": func() forwarded { return &rulesStateCmd{} },

	"verify evidence": func() forwarded { return &verifyEvidenceCmd{} },

	"findings":      func() forwarded { return &findingsListCmd{} },
	"findings show": func() forwarded { return &findingsShowCmd{} },
	"findings mark": func() forwarded { return &findingsMarkCmd{} },

	"alerts":         func() forwarded { return &alertsListCmd{} },
	"alerts show":    func() forwarded { return &alertsShowCmd{} },
	"alerts close":   func() forwarded { return &alertsCloseCmd{} },
	"alerts assign":  func() forwarded { return &alertsAssignCmd{} },
	"alerts comment": func() forwarded { return &alertsCommentCmd{} },
	"alerts export":  func() forwarded { return &alertsExportCmd{} },

	"actors":     func() forwarded { return &actorsListCmd{} },
	"actors set": func() forwarded { return &actorsSetCmd{} },

	"user":              func() forwarded { return &userListCmd{} },
	"user add":          func() forwarded { return &userAddCmd{} },
	"user passwd":       func() forwarded { return &userPasswdCmd{} },
	"user role":         func() forwarded { return &userRoleCmd{} },
	"user disable":      func() forwarded { return &userDisableCmd{} },
	"user enable":       func() forwarded { return &userEnableCmd{} },
	"user delete":       func() forwarded { return &userDeleteCmd{} },
	"user sessions":     func() forwarded { return &userSessionsCmd{} },
	"user end":          func() forwarded { return &userEndCmd{} },
	"user token":        func() forwarded { return &tokenListCmd{} },
	"user token add":    func() forwarded { return &tokenAddCmd{} },
	"user token revoke": func() forwarded { return &tokenRevokeCmd{} },

	"dead-letters list":  func() forwarded { return &deadLettersListCmd{} },
	"dead-letters retry": func() forwarded { return &deadLettersRetryCmd{} },
	"dead-letters drop":  func() forwarded { return &deadLettersDropCmd{} },

	"output":            func() forwarded { return &outputListCmd{} },
	"output test":       func() forwarded { return &outputTestCmd{} },
	"output dead":       func() forwarded { return &outputDeadListCmd{} },
	"output dead retry": func() forwarded { return &outputDeadRetryCmd{} },
	"output dead drop":  func() forwarded { return &outputDeadDropCmd{} },
}

// verbOf returns the name of a verb.
func verbOf(f forwarded) string {
	for name, make := range verbs {
		if fmt.Sprintf("%T", make()) == fmt.Sprintf("%T", f) {
			return name
		}
	}
	return ""
}

func (c *demoCmd) home(*app) string { return c.data() }

func (c *ingestCmd) home(a *app) string { return a.dataDir(c.Data) }

func (c *doctorCmd) home(a *app) string { return a.dataDir(c.Data) }

func (c *repairCmd) home(a *app) string { return a.dataDir(c.Data) }

// forward has a verb run by the server of its data directory; done is false when
// there is no server. While another command has the directory open it waits.
func (a *app) forward(f forwarded, configured bool) (code int, done bool, err error) {
	dir := f.home(a)
	if dir == "" {
		return 0, false, nil
	}
	for said := false; ; {
		conn, err := control.Dial(dir)
		if err != nil {
			return 0, false, err
		}
		if conn != nil {
			code, err = a.ask(conn, f, configured)
			return code, true, err
		}
		owner := vlogs.Owner(filepath.Join(dir, ingest.EventsDir))
		if owner == "" {
			return 0, false, nil
		}
		if !said {
			said = true
			a.note("waiting for process %s, which has the data directory %q open", owner, dir)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-a.ctx.Done():
			return 0, false, a.ctx.Err()
		}
	}
}

func (a *app) ask(conn *control.Conn, f forwarded, configured bool) (code int, err error) {
	r := control.Request{Version: version, Verb: verbOf(f), Quiet: a.quiet, Stdout: a.outTerm, Stderr: a.errTerm}
	dir, err := os.Getwd()
	if err != nil {
		return 0, fmt.Errorf("cannot determine the working directory: %w", err)
	}
	r.Dir = control.Path(dir)
	if r.Options, err = json.Marshal(f); err != nil {
		return 0, err
	}
	if configured {
		cfg, err := absolute(a.cfg)
		if err != nil {
			return 0, err
		}
		if r.Config, err = json.Marshal(cfg); err != nil {
			return 0, err
		}
	}
	return conn.Do(a.ctx, r, a.out, a.err)
}

// answer runs the request of a command in a server.
func (s *server) answer(ctx context.Context, r *control.Request, out, errOut io.Writer) (code int) {
	a := &app{
		ctx: ctx, out: out, err: errOut, cfg: s.cfg, quiet: r.Quiet, dir: string(r.Dir),
		outTerm: r.Stdout, errTerm: r.Stderr, shares: s.shares, opened: s.pipeline, rules: s.rules, api: s.handler, started: time.Now(),
	}
	if r.Config != nil {
		a.cfg = config.Default()
		if err := json.Unmarshal(r.Config, &a.cfg); err != nil {
			return a.report(fmt.Errorf("cannot read the command's configuration: %w", err))
		}
	}
	make, ok := verbs[r.Verb]
	if !ok {
		return a.report(usage("a server does not run %q", r.Verb))
	}
	f := make()
	if err := json.Unmarshal(r.Options, f); err != nil {
		return a.report(fmt.Errorf("cannot read the command's options: %w", err))
	}
	start := time.Now()
	err := f.Run(a)
	s.metrics.GetOrCreateCounter(fmt.Sprintf("bluetrail_commands_total{verb=%q}", r.Verb)).Inc()
	s.metrics.GetOrCreateFloatCounter(fmt.Sprintf("bluetrail_command_seconds_total{verb=%q}", r.Verb)).Add(time.Since(start).Seconds())
	if err != nil && errors.Is(context.Cause(ctx), control.ErrStopping) {
		fmt.Fprintln(errOut, "error:", control.ErrStopping)
		return exitFailed
	}
	return a.report(err)
}
