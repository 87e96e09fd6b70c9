package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"bluetrail/internal/auth"
	"bluetrail/internal/diag"
	"bluetrail/internal/state"

	"github.com/dustin/go-humanize"
)

type userCmd struct {
	List     userListCmd     `cmd:"" default:"withargs" help:"List those who may use the server."`
	Add      userAddCmd      `cmd:"" help:"Add a user; prints a one-time password."`
	Passwd   userPasswdCmd   `cmd:"" help:"Give a user a new password; ends the user's sessions."`
	Role     userRoleCmd     `cmd:"" help:"Change the role of a user."`
	Disable  userDisableCmd  `cmd:"" help:"Keep a user from signing in; tokens stop working, too."`
	Enable   userEnableCmd   `cmd:"" help:"Let a user sign in again."`
	Delete   userDeleteCmd   `cmd:"" help:"Delete a user with its sessions, tokens and passkeys."`
	Sessions userSessionsCmd `cmd:"" help:"List the browsers that are signed in."`
	End      userEndCmd      `cmd:"" help:"End all sessions of a user."`
	Token    userTokenCmd    `cmd:"" help:"List, add and revoke API tokens."`
}

type userTokenCmd struct {
	List   tokenListCmd   `cmd:"" default:"withargs" help:"List API tokens."`
	Add    tokenAddCmd    `cmd:"" help:"Make a token and print it, once."`
	Revoke tokenRevokeCmd `cmd:"" help:"Revoke a token."`
}

// peopleData is the data directory whose users a command is about.
type peopleData struct {
	Data string `help:"Data directory (default: from the configuration)." placeholder:"DIR" env:"BLUETRAIL_DATA"`
}

func (c *peopleData) home(a *app) string { return a.dataDir(c.Data) }

// people calls f with the people of the data directory. make says that the directory
// need not exist.
func (c *peopleData) people(a *app, make bool, f func(*auth.People) error) error {
	dir := a.dataDir(c.Data)
	db := (*state.DB)(nil)
	if a.opened != nil {
		db = a.opened.State()
	} else {
		if _, err := os.Stat(filepath.Join(dir, state.DatabaseFile)); err != nil && !make {
			return fmt.Errorf("there is no data directory %q yet; name one with --data", dir)
		}
		var err error
		if db, err = state.Open(dir); err != nil {
			return err
		}
		defer db.Close()
	}
	p, err := newPeople(&a.cfg, db, nil)
	if err != nil {
		return err
	}
	err = f(p)
	var refusal *auth.Refusal
	if errors.As(err, &refusal) && refusal.Status == http.StatusBadRequest {
		return usageError{err}
	}
	return err
}

// newPassword is a password that is read from a file, on the side of the user.
type newPassword struct {
	PasswordFile string `help:"Read the password from this file, - for standard input, rather than to make a one-time password." placeholder:"FILE"`
	Password     string `kong:"-"`
}

// read reads the password.
func (c *newPassword) read() error {
	if c.PasswordFile == "" {
		return nil
	}
	in := io.Reader(os.Stdin)
	if c.PasswordFile != "-" {
		f, err := os.Open(c.PasswordFile)
		if err != nil {
			return fmt.Errorf("cannot read the password: %w", err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, 4096))
	if err != nil {
		return fmt.Errorf("cannot read the password: %w", err)
	}
	if c.Password = strings.TrimRight(string(text), "\r\n"); c.Password == "" {
		return fmt.Errorf("the password in %q is empty", c.PasswordFile)
	}
	return nil
}

// sayOnce prints a one-time password.
func (a *app) sayOnce(name, password string) {
	if password != "" {
		fmt.Fprintln(a.out, password)
		a.note("the one-time password of %s; it must be changed at the first sign-in", name)
	}
}

type userListCmd struct {
	peopleData
	Output string `short:"o" help:"Output format: table or json." enum:"table,json" default:"table"`
}

// Help implements kong.HelpProvider.
func (*userListCmd) Help() string {
	return "Roles: viewer reads and searches; analyst triages alerts and keeps searches; engineer edits rules, lists and lookups; admin manages users.\n\n" +
		examples("bluetrail user add alice --role analyst", "bluetrail user token add siem --user alice --role viewer --area search")
}

func (c *userListCmd) Run(a *app) error {
	return c.people(a, false, func(p *auth.People) error {
		list, err := p.Users()
		if err != nil {
			return err
		}
		return table(a, c.Output, list, "name\trole\torigin\tstate\tsessions\ttokens\tpasskeys\tlast sign-in", func(u *auth.User) string {
			state := "active"
			switch {
			case u.Disabled:
				state = "disabled"
			case u.MustChange:
				state = "one-time password"
			}
			return fmt.Sprintf("%s\t%s\t%s\t%s\t%d\t%d\t%d\t%s", u.Name, u.Role, u.Origin, state, u.Sessions, u.Tokens, u.Passkeys, ago(u.Seen))
		})
	})
}

func ago(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return humanize.Time(*t)
}

// table prints a list as a table or as lines of JSON.
func table[T any](a *app, format string, list []T, head string, row func(*T) string) error {
	if format == "json" {
		for i := range list {
			if err := json.NewEncoder(a.out).Encode(&list[i]); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, head)
	for i := range list {
		cells := strings.Split(row(&list[i]), "\t")
		for i := range cells {
			cells[i] = diag.Printable(cells[i])
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

type userAddCmd struct {
	Name string `arg:"" help:"What the user is called."`
	Role string `required:"" help:"viewer, analyst, engineer or admin." enum:"viewer,analyst,engineer,admin" placeholder:"ROLE"`
	peopleData
	newPassword
	person
}

// AfterApply reads the password and asks who it is, on the side of the user.
func (c *userAddCmd) AfterApply() error { return errors.Join(c.read(), c.person.AfterApply()) }

func (c *userAddCmd) Run(a *app) error {
	role, err := auth.ParseRole(c.Role)
	if err != nil {
		return usageError{err}
	}
	return c.people(a, true, func(p *auth.People) error {
		u, once, err := p.AddUser(a.ctx, c.As, c.Name, role, c.Password)
		if err != nil {
			return err
		}
		a.note("user %s added as %s", u.Name, role)
		a.sayOnce(u.Name, once)
		return nil
	})
}

type userPasswdCmd struct {
	Name string `arg:"" help:"The user."`
	peopleData
	newPassword
	person
}

// AfterApply reads the password and asks who it is, on the side of the user.
func (c *userPasswdCmd) AfterApply() error { return errors.Join(c.read(), c.person.AfterApply()) }

func (c *userPasswdCmd) Run(a *app) error {
	return c.people(a, false, func(p *auth.People) error {
		once, err := p.SetPassword(a.ctx, c.As, c.Name, c.Password)
		if err != nil {
			return err
		}
		a.note("%s has a new password; all sessions ended", c.Name)
		a.sayOnce(c.Name, once)
		return nil
	})
}

type userRoleCmd struct {
	Name string `arg:"" help:"The user."`
	Role string `arg:"" help:"viewer, analyst, engineer or admin." enum:"viewer,analyst,engineer,admin"`
	peopleData
	person
}

func (c *userRoleCmd) Run(a *app) error {
	role, err := auth.ParseRole(c.Role)
	if err != nil {
		return usageError{err}
	}
	return c.people(a, false, func(p *auth.People) error {
		if _, err := p.ChangeUser(c.As, c.Name, auth.Change{Role: &role}); err != nil {
			return err
		}
		a.note("%s has the role %s", c.Name, role)
		return nil
	})
}

type userDisableCmd struct {
	Name string `arg:"" help:"The user."`
	peopleData
	person
}

func (c *userDisableCmd) Run(a *app) error { return disable(a, &c.peopleData, c.As, c.Name, true) }

type userEnableCmd struct {
	Name string `arg:"" help:"The user."`
	peopleData
	person
}

func (c *userEnableCmd) Run(a *app) error { return disable(a, &c.peopleData, c.As, c.Name, false) }

func disable(a *app, data *peopleData, by, name string, off bool) error {
	return data.people(a, false, func(p *auth.People) error {
		if _, err := p.ChangeUser(by, name, auth.Change{Disabled: &off}); err != nil {
			return err
		}
		a.note("%s is %s", name, map[bool]string{true: "disabled; all sessions ended", false: "enabled"}[off])
		return nil
	})
}

type userDeleteCmd struct {
	Name string `arg:"" help:"The user."`
	peopleData
	person
}

func (c *userDeleteCmd) Run(a *app) error {
	return c.people(a, false, func(p *auth.People) error {
		if err := p.DeleteUser(c.As, c.Name); err != nil {
			return err
		}
		a.note("user %s deleted", c.Name)
		return nil
	})
}

type userSessionsCmd struct {
	Name string `arg:"" optional:"" help:"Only sessions of this user."`
	peopleData
	Output string `short:"o" help:"Output format: table or json." enum:"table,json" default:"table"`
}

func (c *userSessionsCmd) Run(a *app) error {
	return c.people(a, false, func(p *auth.People) error {
		list, err := p.Sessions(c.Name, nil)
		if err != nil {
			return err
		}
		return table(a, c.Output, list, "user\tsigned in by\tsince\tlast used\tfrom\tbrowser", func(s *auth.Session) string {
			return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s", s.User, s.Via, humanize.Time(s.Created), humanize.Time(s.Used), s.Address, s.Agent)
		})
	})
}

type userEndCmd struct {
	Name string `arg:"" help:"The user."`
	peopleData
	person
}

func (c *userEndCmd) Run(a *app) error {
	return c.people(a, false, func(p *auth.People) error {
		n, err := p.EndSessions(c.As, c.Name, "")
		if err != nil {
			return err
		}
		a.note("%s of %s ended", count(int(n), "session"), c.Name)
		return nil
	})
}

type tokenListCmd struct {
	peopleData
	User   string `help:"Only tokens of this user." placeholder:"NAME"`
	Output string `short:"o" help:"Output format: table or json." enum:"table,json" default:"table"`
}

func (c *tokenListCmd) Run(a *app) error {
	return c.people(a, false, func(p *auth.People) error {
		list, err := p.Tokens(c.User)
		if err != nil {
			return err
		}
		return table(a, c.Output, list, "id\tname\tuser\trole\tareas\texpires\tlast used", func(t *auth.Token) string {
			areas := "all"
			if len(t.Areas) > 0 {
				areas = strings.Join(t.Areas, " ")
			}
			return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s\t%s", t.ID, t.Name, t.User, t.Role, areas, ago(t.Expires), ago(t.Used))
		})
	})
}

type tokenAddCmd struct {
	Name  string   `arg:"" help:"What the token is for."`
	User  string   `required:"" help:"Whose it is; it may do no more than this user." placeholder:"NAME"`
	Role  string   `required:"" help:"What it may do at most: viewer, analyst, engineer or admin." enum:"viewer,analyst,engineer,admin" placeholder:"ROLE"`
	Areas []string `name:"area" help:"Limit it to an area: search, alerts, rules, lists, dashboards, system, people, metrics; repeatable." placeholder:"AREA"`
	Days  int      `help:"How long it lasts." default:"90"`
	peopleData
	person
}

func (c *tokenAddCmd) Run(a *app) error {
	role, err := auth.ParseRole(c.Role)
	if err != nil {
		return usageError{err}
	}
	return c.people(a, false, func(p *auth.People) error {
		t, secret, err := p.AddToken(c.As, c.User, auth.NewToken{Name: c.Name, Role: role, Areas: c.Areas, Days: c.Days})
		if err != nil {
			return err
		}
		fmt.Fprintln(a.out, secret)
		a.note("token %s of %s; it is shown only now, and expires on %s", t.ID, t.User, t.Expires.Format(time.DateOnly))
		return nil
	})
}

type tokenRevokeCmd struct {
	ID string `arg:"" help:"The token's ID, see bluetrail user token list."`
	peopleData
	person
}

func (c *tokenRevokeCmd) Run(a *app) error {
	return c.people(a, false, func(p *auth.People) error {
		if err := p.RevokeToken(c.As, "", c.ID); err != nil {
			return err
		}
		a.note("token %s revoked", c.ID)
		return nil
	})
}
