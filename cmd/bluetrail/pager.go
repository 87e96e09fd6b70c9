package main

import (
	"io"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
)

// paged is a verb whose output may be long.
type paged interface{ pages() bool }

// pager shows what is written on a terminal page by page. It starts with the
// first row; from then on messages go into it, too, behind the rows.
type pager struct {
	command string
	out     io.Writer
	quit    func() // called when the user leaves the pager

	mu     sync.Mutex
	cmd    *exec.Cmd
	in     io.WriteCloser
	left   bool // the user has left
	failed bool // the pager cannot be started
}

// page puts a pager behind the output of a verb if that is a terminal. The
// function that it returns waits until the user has read everything.
func (a *app) page(cancel func()) (end func(code *int)) {
	command := pagerCommand()
	if command == "" || !a.outTerm.TTY || !a.errTerm.TTY {
		return func(*int) {}
	}
	p := &pager{command: command, out: a.out, quit: cancel}
	a.out, a.err = p, &pagedErrors{p, a.err}
	return p.end
}

// pagerCommand returns the pager that the environment asks for, otherwise less
// where there is one; "" means none.
func pagerCommand() string {
	for _, name := range []string{"BLUETRAIL_PAGER", "PAGER"} {
		if command, set := os.LookupEnv(name); set {
			if command == "cat" {
				return ""
			}
			return command
		}
	}
	if _, err := exec.LookPath("less"); err != nil {
		return ""
	}
	return "less"
}

// Write implements io.Writer.
func (p *pager) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil && !p.failed {
		p.start()
	}
	return p.write(b)
}

func (p *pager) write(b []byte) (int, error) {
	switch {
	case p.failed:
		return p.out.Write(b)
	case p.left:
		return len(b), nil
	}
	if _, err := p.in.Write(b); err != nil { // the user has left it
		p.left = true
		p.quit()
	}
	return len(b), nil
}

func (p *pager) start() {
	cmd := exec.Command("sh", "-c", p.command)
	cmd.Stdout, cmd.Stderr, cmd.Env = p.out, os.Stderr, os.Environ()
	if _, set := os.LookupEnv("LESS"); !set {
		cmd.Env = append(cmd.Env, "LESS=FRX") // leave at once if all fits, colours, keep the screen
	}
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		p.failed = true
		return
	}
	p.cmd, p.in = cmd, in
}

func (p *pager) end(code *int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return
	}
	signal.Ignore(os.Interrupt, syscall.SIGQUIT) // the pager has the terminal now
	defer signal.Reset(os.Interrupt, syscall.SIGQUIT)
	p.in.Close()
	p.cmd.Wait()
	if p.left {
		*code = exitDone // leaving early is no failure
	}
}

// pagedErrors is stderr beside a pager.
type pagedErrors struct {
	p   *pager
	err io.Writer
}

// Write implements io.Writer.
func (e *pagedErrors) Write(b []byte) (int, error) {
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	if e.p.cmd == nil {
		return e.err.Write(b)
	}
	return e.p.write(b)
}
