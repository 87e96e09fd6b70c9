package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"sync"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/control"
	"bluetrail/internal/detect/live"
	"bluetrail/internal/diag"
	"bluetrail/internal/enrich"
	"bluetrail/internal/ingest"
	"bluetrail/internal/knowledge"
	"bluetrail/internal/search"
	"bluetrail/internal/source/bucket"
	"bluetrail/internal/source/file"
	"bluetrail/internal/spill"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/store/actors"

	"github.com/alecthomas/kong"
	"golang.org/x/term"
)

// Exit codes of the command; scripts depend on them.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	exitPartly = 3 // done, but some input could not be read, or events are missing
)

// cli is the command line: one field a verb, each in a file of its own.
type cli struct {
	Demo      demoCmd      `cmd:"" help:"Generate a synthetic organization with staged attacks, ingest it and find them."`
	Search    searchCmd    `cmd:"" help:"Search events with SPL."`
	Show      showCmd      `cmd:"" help:"Show an event whole, by its ID."`
	Fields    fieldsCmd    `cmd:"" help:"List the fields of events: how many events have them, their top values, what they mean."`
	Summary   summaryCmd   `cmd:"" help:"Summarize who was active and what they did, for the first hour of an incident."`
	Trace     traceCmd     `cmd:"" help:"Trace what a key, identity or address did and what grew out of it."`
	Exposure  exposureCmd  `cmd:"" help:"Show what is open to the internet, and what still blocks it."`
	Export    exportCmd    `cmd:"" help:"Export records as evidence: byte for byte, with manifest and checksums."`
	Ingest    ingestCmd    `cmd:"" help:"Ingest CloudTrail files into the data directory."`
	Serve     serveCmd     `cmd:"" help:"Run as a server: ingest events continuously, run rules and answer searches."`
	Verify    verifyCmd    `cmd:"" help:"Verify CloudTrail's digest files: signatures, chains, and the log files that they name."`
	Hunt      huntCmd      `cmd:"" help:"Run all rules over files, or over the data directory."`
	Findings  findingsCmd  `cmd:"" help:"List what rules found."`
	Alerts    alertsCmd    `cmd:"" help:"List, show, close, assign, comment on and export alerts."`
	Dead      lettersCmd   `cmd:"" name:"dead-letters" help:"List, retry or drop queue messages that could not be ingested."`
	Output    outputCmd    `cmd:"" help:"List and test where alerts are sent."`
	Actors    actorsCmd    `cmd:"" help:"List who acts and what kind of actor each one is; correct it."`
	Generate  generateCmd  `cmd:"" help:"Write a synthetic trail with labelled attacks."`
	Rules     rulesCmd     `cmd:"" help:"List, test, show, explain and check rules."`
	Spl       splCmd       `cmd:"" name:"spl" help:"Check and explain searches; list the language."`
	Mcp       mcpCmd       `cmd:"" name:"mcp" help:"Let a language model read events, alerts and rules by the Model Context Protocol."`
	Repair    repairCmd    `cmd:"" help:"Ingest the files of damaged days again."`
	Backup    backupCmd    `cmd:"" help:"Back up the data directory while it is in use; verify backups."`
	Restore   restoreCmd   `cmd:"" help:"Restore a backup into a new data directory."`
	Lists     listsCmd     `cmd:"" help:"Show lists of addresses, allow-lists and accounts; fetch lists."`
	Dashboard dashboardCmd `cmd:"" help:"List, check, import and export dashboards."`
	Canary    canaryCmd    `cmd:"" help:"Send a marked event through the whole pipeline, and tell how long it took to become an alert."`
	Doctor    doctorCmd    `cmd:"" help:"Report the setup and any problems."`
	Version   versionCmd   `cmd:"" help:"Print the version."`
	User      userCmd      `cmd:"" help:"Manage who may use the server: users, roles, passwords, sessions, API tokens."`

	Completion completionCmd `cmd:"" help:"Print the completion script of a shell."`
	Man        manCmd        `cmd:"" help:"Print the manual page."`
	Complete   completeCmd   `cmd:"" hidden:"" name:"__complete" passthrough:""`

	Config string `help:"Configuration file (YAML)." placeholder:"FILE" env:"BLUETRAIL_CONFIG"`
	Quiet  bool   `short:"q" help:"Print no progress and no summary on stderr."`

	ShowVersion versionFlag `name:"version" help:"Print the version."`
}

// app is what every verb works with.
type app struct {
	ctx      context.Context
	out, err io.Writer
	cfg      config.Config
	quiet    bool
	partly   bool // something was left out, and said
	started  time.Time
	raised   int // alerts, by this command

	place     *bucket.Place // that the command reads; nil = none
	rehearsal *rehearsal    // of a dry run; nil = none

	configured string // the file of cfg, "" = none

	dir     string           // where relative paths begin, "" = the working directory
	outTerm control.Terminal // what out is
	errTerm control.Terminal
	shares  *shares
	opened  *ingest.Pipeline // of the data directory, in a server; nil = the verb opens it
	rules   *live.Rules      // that run in the server; nil = none, or no server
	api     http.Handler     // of the server; nil = none
}

// shares is what all searches of a process share.
type shares struct {
	once    sync.Once
	held    *exec.Budget // memory
	spilled *spill.Space // temporary files; nil = none

	searches search.Meter
	problems problems // of a server's sources

	actorsOnce sync.Once
	actors     actors.Actors // of the data directory of a server

	known knowledge.Library

	geoMu sync.Mutex
	geoip *enrich.Geo
	geoOf string // the files of geoip, as they were
}

// usageError is a fault of what the user typed: exit code 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (code int) {
	started := time.Now()
	var c cli
	exited := -1
	parser, err := newParser(&c, stdout, stderr, func(code int) { exited = code; panic(exitPanic{}) })
	if err != nil {
		fmt.Fprintln(stderr, "error:", err)
		return exitFailed
	}
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(exitPanic); !ok {
				panic(r)
			}
			code = exited
		}
	}()
	args = arguments(args)
	k, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(stderr, "error:", diag.Printable(err.Error()))
		if hint := argumentHint(args, err); hint != "" {
			fmt.Fprintln(stderr, "hint:", diag.Printable(hint))
		}
		return exitUsage
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a := &app{ctx: ctx, out: stdout, err: stderr, cfg: config.Default(), quiet: c.Quiet, shares: &shares{}, started: started}
	a.outTerm, a.errTerm = terminal(stdout), terminal(stderr)
	if c.Config != "" {
		a.configured = c.Config
		if a.cfg, err = config.Load(c.Config); err != nil {
			return a.report(usageError{err})
		}
	}
	verb := k.Selected().Target.Addr().Interface()
	if p, ok := verb.(paged); ok && p.pages() {
		defer a.page(cancel)(&code)
	}
	if f, ok := verb.(forwarded); ok {
		code, done, err := a.forward(f, c.Config != "")
		if err != nil {
			return a.report(err)
		}
		if done {
			return code
		}
	}
	if err := a.enrich(verb, dataFlag(k)); err != nil {
		return a.report(err)
	}
	return a.report(a.rehearsed(k.Run(a, parser.Model)))
}

// newParser returns the parser of the command line.
func newParser(c *cli, stdout, stderr io.Writer, exit func(int)) (*kong.Kong, error) {
	return kong.New(c,
		kong.Name("bluetrail"),
		kong.Description("Search AWS CloudTrail with SPL and run detection rules over it, on files or in an embedded store.\n\nExit codes: 0 success, 1 failure, 2 invalid usage or invalid search, 3 success, but some input could not be read."),
		kong.Vars{"tamper": tamperKinds()},
		kong.Writers(stdout, stderr),
		kong.Exit(exit),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.UsageOnError(),
		kong.TypeMapper(reflect.TypeFor[control.Path](), kong.MapperFunc(readPath)),
	)
}

// readPath reads a path as it is. Kong takes strings through JSON, which replaces
// bytes that are not UTF-8.
func readPath(ctx *kong.DecodeContext, target reflect.Value) error {
	t, err := ctx.Scan.PopValue("string")
	if err != nil {
		return err
	}
	target.SetString(t.String())
	return nil
}

type exitPanic struct{}

// report prints an error the way it deserves and returns the exit code.
func (a *app) report(err error) int {
	var place *diag.Error
	switch {
	case err == nil && a.partly:
		return exitPartly
	case err == nil:
		return exitDone
	case errors.As(err, &place):
		fmt.Fprint(a.err, place.Underlined())
		return exitUsage
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(a.err, "stopped")
		return exitFailed
	}
	fmt.Fprintln(a.err, "error:", diag.Printable(err.Error()))
	if errors.As(err, new(usageError)) || errors.As(err, new(search.OptionError)) {
		return exitUsage
	}
	return exitFailed
}

// note tells the user something on stderr unless quiet is set.
func (a *app) note(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintln(a.err, diag.Printable(fmt.Sprintf(format, args...)))
	}
}

// warn is note that --quiet does not silence: nothing passes silently.
func (a *app) warn(format string, args ...any) {
	fmt.Fprintln(a.err, "warning:", diag.Printable(fmt.Sprintf(format, args...)))
}

// zone returns the configured time zone.
func (a *app) zone() *time.Location {
	loc, err := time.LoadLocation(a.cfg.TimeZone)
	if err != nil {
		return time.UTC
	}
	return loc
}

// path returns a path as it is seen from where the command was called.
func (a *app) path(p string) string { return file.In(a.dir, p) }

// terminal describes where an output goes.
func terminal(w io.Writer) control.Terminal {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return control.Terminal{}
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 20 {
		width = 80
	}
	return control.Terminal{TTY: true, Width: width, Colour: wantsColour()}
}

// wantsColour reports whether the environment lets a terminal have colours, see
// https://no-color.org.
func wantsColour() bool { return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" }
