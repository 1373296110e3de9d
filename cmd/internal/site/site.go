package site

// The scenarios: chapters of the migration guide.
const (
	SIMSOffline     = "sims-offline"     // the host stays, mail is down while the store moves
	SIMSOnline      = "sims-online"      // old mail comes after new mail, on the same or a new host
	SIMSIncremental = "sims-incremental" // a new host, users in batches
	NMSSingle       = "nms-single"       // NMS 4.x, the host stays
)

// Scenarios are all of them, in the guide's order.
func Scenarios() []string {
	return []string{SIMSOffline, SIMSOnline, SIMSIncremental, NMSSingle}
}

// The destinations: where the mail goes.
const (
	IMS     = "ims"     // the store of an iPlanet Messaging Server 5.x
	Maildir = "maildir" // Maildir++, for Dovecot
)

// The LDAP clients that runbooks write command lines for. They differ in how a
// password is asked for and in what -c and -w mean.
const (
	Netscape = "netscape" // of Directory Server 4 and 5: -w - asks
	OpenLDAP = "openldap" // -W asks
)

// Site is what site.toml says of one site. Empty fields are not said; Complete
// fills in what follows from others.
type Site struct {
	Scenario    string `toml:"scenario"`    // one of Scenarios
	Destination string `toml:"destination"` // ims (default) or maildir

	Hosts     Hosts     `toml:"hosts"`
	Directory Directory `toml:"directory"`
	Servers   Servers   `toml:"servers"`
	Inputs    Inputs    `toml:"inputs"`

	// Options of verbs: long options and their values.
	Upgrade  Options `toml:"upgrade"`
	Restore  Options `toml:"restore"`
	Relocate Options `toml:"relocate"`
	Export   Options `toml:"export"`

	// Dir is the folder that paths are relative to: that of the file.
	Dir string `toml:"-"`
	// Path is the file, as it was named; "" without one.
	Path string `toml:"-"`

	lines map[string]int // of keys in the file
}

// Options are the options of a verb, by their long names: a string, a bool, an
// int64, or a []string.
type Options map[string]any

// Hosts are names of machines.
type Hosts struct {
	Old string `toml:"old"` // the mail host that is left
	New string `toml:"new"` // the mail host that is moved to; the old one where the host stays
}

// Directory is the LDAP server that holds users and groups.
type Directory struct {
	Host                string   `toml:"host"`
	Port                int      `toml:"port"`                 // default 389
	BindDN              string   `toml:"bind-dn"`              // default cn=Directory Manager
	Client              string   `toml:"client"`               // netscape (default) or openldap
	Base                []string `toml:"base"`                 // suffixes of users, groups and domains
	DefaultOrganization string   `toml:"default-organization"` // DN of the default domain's entry
	DefaultDomain       string   `toml:"default-domain"`       // whose users have bare uids as store ids
	Domains             []string `toml:"domains"`              // mail domains of the site, for texts
}

// Servers are places on the hosts.
type Servers struct {
	Root           string `toml:"root"`            // server root of iMS
	Instance       string `toml:"instance"`        // of iMS: its folder is Root/msg-Instance
	OldRoot        string `toml:"old-root"`        // server root of NMS; /opt/SUNWmail of SIMS
	OldInstance    string `toml:"old-instance"`    // of NMS
	DirectoryRoot  string `toml:"directory-root"`  // instance folder of the directory server
	Owner          string `toml:"owner"`           // of the store: user or user:group; default mailsrv
	LoginSeparator string `toml:"login-separator"` // between uid and domain in logins, when not @
}

// Inputs are what is converted. A path is relative to the folder of the file.
type Inputs struct {
	LDIF   string `toml:"ldif"`      // directory export; default export.ldif
	Stream string `toml:"stream"`    // SIMS backup stream, mbox tree or Maildir; default backup.sims
	Store  string `toml:"nms-store"` // NMS store; default store
}
