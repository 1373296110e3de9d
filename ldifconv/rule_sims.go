package ldifconv

import (
	"bytes"
	"fmt"

	"imsconv/ldifconv/schema"
)

const simsDraft = "draft-srivastava-ldap-mail-00 5"

// simsUserRules turn the attributes of a SIMS 4.0 user into those of iMS.
var simsUserRules = []rule{
	{
		name: "sims-administrator", from: SIMS, kind: Users,
		needs:   []attrID{schema.InetAdministeredServices},
		classes: []classID{schema.ClassInetAdministrator},
		what:    "class inetAdministrator and inetAdministeredServices go; the user is a candidate for the administrator groups",
		source:  "SIMS 4.0 Provisioning Guide 6",
		apply: func(d *draft, _ *ruleOptions) bool {
			of := ""
			if d.has(schema.InetAdministeredServices) {
				of = ", of " + d.several(schema.InetAdministeredServices)
			}
			d.warn("administrator", "was a SIMS administrator"+of+": add the user to Service Administrators or Domain Administrators")
			d.dropClass(schema.ClassInetAdministrator)
			d.remove(schema.InetAdministeredServices)
			return true
		},
	},
	{
		name: "sims-folder-map", from: SIMS, kind: Users,
		needs:      []attrID{schema.MailFolderMap},
		what:       "mailFolderMap goes: Sun-MS is the only store; UNIX V7 gets mailDeliveryOption native; LOCK, left from a batch move, is dropped or becomes mailUserStatus hold; any other value stays and is a problem",
		source:     "Migration Guide, incremental scenario; Schema Reference, mailDeliveryOption",
		documented: false,
		apply:      simsFolderMap,
	},
	{
		name: "sims-delivery-file", from: SIMS, kind: Users,
		needs:      []attrID{schema.MailDeliveryOption, schema.MailDeliveryFile},
		what:       "mailDeliveryOption file and shared and mailDeliveryFile go: iMS has them for lists only; what is a list too keeps file",
		source:     "Schema Reference, mailDeliveryOption",
		documented: true,
		apply:      simsDeliveryFile,
	},
	{
		name: "sims-delivery-missing", from: SIMS, kind: Users, meaning: true,
		what:   "mailDeliveryOption is mailbox when there is none, unless there is a forwarding address",
		source: simsDraft,
		apply: func(d *draft, _ *ruleOptions) bool {
			if hasText(d, schema.MailDeliveryOption) {
				return false
			}
			if hasText(d, schema.MailForwardingAddress) {
				d.warn("delivery-missing", "no mailDeliveryOption beside mailForwardingAddress: left so")
				return false
			}
			d.set(schema.MailDeliveryOption, "mailbox")
			return true
		},
	},
	{
		name: "sims-vacation-dates", from: SIMS, kind: Users,
		needs:      []attrID{schema.MailAutoReplyStartDate, schema.MailAutoReplyExpirationDate},
		what:       "mailAutoReplyStartDate and mailAutoReplyExpirationDate become vacationStartDate and vacationEndDate, YYYYMMDDHHMMSSZ in GMT; what is not a time stays and is a problem",
		source:     simsDraft + "; Schema Reference, vacationStartDate",
		documented: true,
		apply: func(d *draft, _ *ruleOptions) bool {
			fired := moveDate(d, schema.MailAutoReplyStartDate, schema.VacationStartDate)
			return moveDate(d, schema.MailAutoReplyExpirationDate, schema.VacationEndDate) || fired
		},
	},
	{
		name: "sims-autoreply-mode", from: SIMS, kind: Users,
		needs:  []attrID{schema.MailDeliveryOption, schema.MailAutoReplyMode},
		what:   "a user with mailDeliveryOption autoreply gets mailAutoReplyMode reply when there is none; of several modes the first stays; a mode that iMS does not know stays and is a problem",
		source: simsDraft + "; Schema Reference, mailAutoReplyMode",
		apply:  simsAutoReplyMode,
	},
	{
		name: "sims-autoreply-body", from: SIMS, kind: Users,
		needs:  []attrID{schema.MailAutoReplyText, schema.MailAutoReplyTextInternal},
		what:   "reply texts stay; a warning for the token $BODY, which iMS does not know",
		source: simsDraft,
		apply: func(d *draft, _ *ruleOptions) bool {
			for _, a := range []attrID{schema.MailAutoReplyText, schema.MailAutoReplyTextInternal} {
				if bytes.Contains(d.first(a), []byte("$BODY")) {
					d.warn("autoreply-body", schema.Name(a)+" holds $BODY: kept as it is")
				}
			}
			return false
		},
	},
	{
		name: "program-names", from: SIMS, kind: Both,
		needs:  []attrID{schema.MailProgramDeliveryInfo},
		what:   "mailProgramDeliveryInfo stays, it names a program in both; the names are listed once to be approved anew",
		source: simsDraft + "; Schema Reference, mailProgramDeliveryInfo",
		apply: func(d *draft, o *ruleOptions) bool {
			for _, v := range d.values(schema.MailProgramDeliveryInfo) {
				o.programs.note(v)
			}
			return false
		},
	},
	{
		name: "sims-quota", from: SIMS, kind: Users,
		needs:  []attrID{schema.MailQuota},
		what:   "mailQuota with K, M, G or T becomes plain bytes (units of 1024), or keeps K, M, G and turns T into G; -1 and -2 stay; a warning for 0, which is no space",
		source: simsDraft + "; Schema Reference, mailQuota",
		apply: func(d *draft, o *ruleOptions) bool {
			if isZeroQuota(d.first(schema.MailQuota)) {
				d.warn("quota-zero", "mailQuota 0 is no space in iMS: the user gets no mail (-1 is no limit)")
			}
			return plainQuota(d, o, schema.MailQuota, schema.MailQuota)
		},
	},
	{
		name: "sims-quota-missing", from: SIMS, kind: Users, meaning: true,
		what:   "a user without mailQuota had no limit and gets -1, or what the site chooses",
		source: simsDraft + " (missing is no limit); Schema Reference, mailQuota (missing is the server's default)",
		apply: func(d *draft, o *ruleOptions) bool {
			switch o.QuotaMissing {
			case "keep":
				return false
			case "":
				return setMissing(d, schema.MailQuota, "-1")
			}
			return setMissing(d, schema.MailQuota, o.QuotaMissing)
		},
	},
	{
		name: "message-store", from: AnySource, kind: Users,
		needs:      []attrID{schema.MailMessageStore},
		what:       "a mailMessageStore that is a path goes: iMS names a partition; a plain name stays",
		source:     simsDraft + "; Directory Server 4.0 schema; Schema Reference, mailMessageStore",
		documented: true,
		apply: func(d *draft, _ *ruleOptions) bool {
			before := len(d.values(schema.MailMessageStore))
			d.retain(schema.MailMessageStore, func(v []byte) bool {
				if bytes.IndexByte(v, '/') < 0 && bytes.IndexByte(v, '\\') < 0 {
					return true
				}
				d.warnf("message-store", "mailMessageStore %.200q is a path: dropped", v)
				return false
			})
			return len(d.values(schema.MailMessageStore)) != before
		},
	},
	{
		name: "sims-subscriber-status", from: SIMS, kind: Users,
		needs:  []attrID{schema.InetSubscriberStatus},
		what:   "inetSubscriberStatus becomes inetUserStatus, the same values; any other value, one that contradicts another, and one that closes beside an inetUserStatus that does not, stays and is a problem",
		source: simsDraft + "; 20subscriber.ldif",
		apply:  simsSubscriberStatus,
	},
	{
		name: "sims-subscriber-url", from: SIMS, kind: Users,
		needs:  []attrID{schema.InetSubscriberHTTPURL},
		what:   "inetSubscriberHttpURL becomes inetUserHttpURL",
		source: simsDraft + "; 20subscriber.ldif",
		apply: func(d *draft, _ *ruleOptions) bool {
			d.rename(schema.InetSubscriberHTTPURL, schema.InetUserHTTPURL)
			return true
		},
	},
	{
		name: "sims-user-version", from: SIMS, kind: Users,
		needs:  []attrID{schema.InetMailUserVersion},
		what:   "inetMailUserVersion goes",
		source: simsDraft + " (not in the iMS class)",
		apply: func(d *draft, _ *ruleOptions) bool {
			d.remove(schema.InetMailUserVersion)
			return true
		},
	},
	{
		name: "sims-user-attributes", from: SIMS, kind: Users,
		needs:  userAttributes[:],
		what:   "userDefinedAttribute1 to 4 go, or get the name the site gives them",
		source: simsDraft + " (not in the iMS class)",
		apply:  simsUserAttributes,
	},
}

var (
	subscriberAttributes = newAttrSet(
		schema.InetSubscriberAccountID, schema.InetSubscriberChallenge, schema.InetSubscriberResponse,
		schema.InetSubscriberStatus, schema.InetSubscriberHTTPURL, schema.InetAuthorizedServices,
	)
	userAttributes = [4]attrID{schema.UserDefinedAttribute1, schema.UserDefinedAttribute2, schema.UserDefinedAttribute3, schema.UserDefinedAttribute4}
)

func isOneOf(v []byte, list ...string) bool {
	for _, s := range list {
		if equalFoldString(v, s) {
			return true
		}
	}
	return false
}

// simsAutoReplyMode keeps one mode of several, and every value that is none.
func simsAutoReplyMode(d *draft, _ *ruleOptions) bool {
	before := len(d.values(schema.MailAutoReplyMode))
	var mode []byte
	d.retain(schema.MailAutoReplyMode, func(v []byte) bool {
		switch {
		case !isOneOf(v, "reply", "echo"):
			d.stays("autoreply-mode", schema.MailAutoReplyMode, v, "is neither reply nor echo")
		case mode == nil:
			mode = v
		default:
			d.warnf("single-value", "mailAutoReplyMode keeps %.200q, %.200q dropped", mode, v)
			return false
		}
		return true
	})
	added := d.hasValue(schema.MailDeliveryOption, "autoreply") && setMissing(d, schema.MailAutoReplyMode, "reply")
	return added || len(d.values(schema.MailAutoReplyMode)) != before
}

func simsFolderMap(d *draft, o *ruleOptions) bool {
	values := d.values(schema.MailFolderMap)
	var unknown [][]byte
	for _, v := range values {
		switch {
		case isOneOf(v, "Sun-MS", "SUNMS", ""):
		case isOneOf(v, "UNIX V7", "UNIXV7", "UNIX-V7"):
			d.warn("folder-map", "mailbox is in /var/mail: mailDeliveryOption native set, but iMS does not serve that mailbox")
			d.add(schema.MailDeliveryOption, "native")
		case isOneOf(v, "LOCK"):
			dropLock(d, o)
		default:
			d.stays("folder-map", schema.MailFolderMap, v, "is no store that is known")
			unknown = append(unknown, v)
		}
	}
	if len(unknown) == len(values) {
		return false
	}
	d.setBytes(schema.MailFolderMap, unknown...)
	return true
}

func dropLock(d *draft, o *ruleOptions) {
	if oneOf(o.Lock, LockHold) {
		d.warn("lock", "mailFolderMap LOCK left over: mailUserStatus set to hold")
		d.set(schema.MailUserStatus, "hold")
		return
	}
	d.warn("lock", "mailFolderMap LOCK left over: dropped")
}

func simsDeliveryFile(d *draft, _ *ruleOptions) bool {
	fired := false
	for _, option := range []string{"file", "shared"} {
		if d.kind&Groups == 0 && d.hasValue(schema.MailDeliveryOption, option) {
			d.warn("delivery-option", "mailDeliveryOption "+option+" is for lists only in iMS: dropped")
			d.removeValue(schema.MailDeliveryOption, option)
			fired = true
		}
	}
	if d.kind&Groups == 0 && d.has(schema.MailDeliveryFile) {
		for _, v := range d.values(schema.MailDeliveryFile) {
			d.warnf("delivery-file", "mailDeliveryFile %.200q dropped: iMS delivers no user's mail to a file", v)
		}
		d.remove(schema.MailDeliveryFile)
		fired = true
	}
	return fired
}

func simsUserAttributes(d *draft, o *ruleOptions) bool {
	for i, a := range userAttributes {
		if !d.has(a) {
			continue
		}
		if name := o.UserAttributes[i]; name != "" {
			moveNamed(d, a, name)
			continue
		}
		d.warnf("user-attribute", "%s %s dropped: iMS has no such attribute", schema.Name(a), d.several(a))
		d.remove(a)
	}
	return true
}

// moveNamed moves an attribute to one that the schema may not know.
func moveNamed(d *draft, from attrID, name string) {
	if to, ok := schema.LookupString(name); ok {
		d.rename(from, to)
		return
	}
	s := setting{desc: []byte(name)}
	for _, v := range d.values(from) {
		s.values = append(s.values, string(v))
	}
	d.setOther(&s, true)
	d.remove(from)
}

// moveSingle moves a single-valued attribute; a value that is there already
// stays. What is lost is told.
func moveSingle(d *draft, from, to attrID) {
	v := trimBlanks(d.first(from))
	if have := d.first(to); have != nil && !equalFold(have, v) {
		d.warnf("single-value", "%s %s is there already: %s %s dropped", schema.Name(to), quoted(to, have), schema.Name(from), quoted(from, v))
		d.remove(from)
		return
	}
	warnSingle(d, from)
	if !d.has(to) {
		d.setBytes(to, d.first(from))
	}
	d.remove(from)
}

// simsSubscriberStatus moves the status. Beside a status of iMS, which holds,
// active restricts nothing and goes; what closes stays, and so do two values of
// which one closes.
func simsSubscriberStatus(d *draft, _ *ruleOptions) bool {
	const from, to = schema.InetSubscriberStatus, schema.InetUserStatus
	have, status := trimBlanks(d.first(to)), trimBlanks(d.first(from))
	for _, v := range d.values(from) {
		switch plain := trimBlanks(v); {
		case !isOneOf(plain, "active", "inactive", "deleted"):
			d.stays("status-value", from, v, "is none of active, inactive, deleted")
			return false
		case !equalFold(plain, status):
			d.stays("status-value", from, v, fmt.Sprintf("contradicts the value %.200q", status))
			return false
		}
	}
	if len(have) > 0 && !equalFold(have, status) && !isOneOf(status, "active") {
		d.stays("status-value", from, d.first(from), fmt.Sprintf("contradicts inetUserStatus %.200q, which is there already and holds", have))
		return false
	}
	moveSingle(d, from, to)
	return true
}

// keepFirst keeps the first value of a, telling what is lost.
func keepFirst(d *draft, a attrID) bool {
	if len(d.values(a)) < 2 {
		return false
	}
	warnSingle(d, a)
	d.setBytes(a, d.first(a))
	return true
}

// warnSingle tells what is lost when a keeps its first value only.
func warnSingle(d *draft, a attrID) {
	if values := d.values(a); len(values) > 1 {
		d.warnf("single-value", "%s keeps %s, %d more dropped", schema.Name(a), quoted(a, values[0]), len(values)-1)
	}
}

// hasText reports whether a has a value that is more than blanks.
func hasText(d *draft, a attrID) bool {
	for _, v := range d.values(a) {
		if len(trimBlanks(v)) > 0 {
			return true
		}
	}
	return false
}

// moveDate moves a time and writes it in the form of vacationStartDate. One
// that cannot be read stays where it is.
func moveDate(d *draft, from, to attrID) bool {
	if !d.has(from) {
		return false
	}
	if v := d.first(from); !isTime(v) {
		d.stays("date", from, v, "is not a time")
		return false
	}
	moveSingle(d, from, to)
	plainDate(d, to)
	return true
}

func isTime(v []byte) bool {
	_, _, ok := parseTime(trimBlanks(v))
	return ok
}

// plainDate writes the time in a as YYYYMMDDHHMMSSZ. One that cannot be read
// stays.
func plainDate(d *draft, a attrID) bool {
	v := d.first(a)
	t, zoned, ok := parseTime(trimBlanks(v))
	if !ok {
		d.stays("date", a, v, "is not a time")
		return false
	}
	if !zoned {
		d.warnf("date-zone", "%s %.200q names no time zone: taken as GMT", schema.Name(a), v)
	}
	var memory [len(vacationTime)]byte
	text := t.AppendFormat(memory[:0], vacationTime)
	if bytes.Equal(text, v) && len(d.values(a)) == 1 {
		return false
	}
	warnSingle(d, a)
	d.setBytes(a, text)
	return true
}

// plainQuota writes the quota in from as bytes into to.
func plainQuota(d *draft, o *ruleOptions, from, to attrID) bool {
	v := trimBlanks(d.first(from))
	q, ok := parseQuota(v)
	n, fits := q.bytes()
	same := !ok || !fits || q.suffix == 0 || o.QuotaSuffix && q.suffix != 'T'
	if from == to && same && len(v) == len(d.first(from)) && (!ok || len(d.values(from)) == 1) {
		return false
	}
	warnSingle(d, from)
	var memory [24]byte
	text := memory[:0]
	switch {
	case same:
		text = append(text, v...)
	case !o.QuotaSuffix:
		text = appendInt(text, n)
	default:
		text = q.appendGigabytes(text)
	}
	if from != to {
		d.remove(from)
	}
	d.setBytes(to, text)
	return true
}
