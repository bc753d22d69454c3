# Die Seite
app-tagline = Direkt von Gerät zu Gerät
language = Sprache
theme = Farben
theme-system = Wie das System
theme-light = Hell
theme-dark = Dunkel
close = Schließen
dismiss = Diese Meldung schließen

# Wie das geschützt ist
protected = So ist das geschützt
protected-title = Was du teilst, geht direkt zum anderen Gerät
protected-direct = Dateien, Ordner und Texte gehen direkt von Gerät zu Gerät, Ende-zu-Ende-verschlüsselt. Der Server macht die Geräte nur miteinander bekannt; Inhalte, Namen und Größen sieht er nie.
protected-proof = Beide Geräte weisen nach, dass sie den Code oder den Link kennen, bevor auch nur ein Byte gesendet wird. Wer dazwischensitzt, erfährt nichts.
protected-check = Jedes Stück wird bei der Ankunft geprüft. Eine Datei ist erst fertig, wenn sie dem Original gleicht.
protected-limit = Eine ehrliche Grenze: Diese Seite selbst kommt von einem Server. Wenn du seinem Betreiber nicht vertraust, betreibe deinen eigenen oder nimm die App.

# Anbieten
share-title = Dateien, Ordner oder Text teilen
share-drop = Dateien oder Ordner hier ablegen
share-drop-hint = Du bekommst einen Code und einen Link zum Weitergeben. Nichts verlässt dieses Gerät, bevor es jemand annimmt.
share-more = Dateien oder Ordner hinzufügen
share-more-hint = Lege sie irgendwo auf dieser Seite ab.
point-direct = Kein Hochladen
point-direct-more = Es geht direkt von diesem Gerät zum anderen.
point-sealed = Ende-zu-Ende-verschlüsselt
point-sealed-more = Der Server macht euch bekannt und sieht nichts davon.
point-checked = Bei Ankunft geprüft
point-checked-more = Was ankommt, gleicht dem Original, sonst erfährst du es.
share-let-go = Loslassen zum Teilen
choose-files = Dateien wählen
choose-folder = Ordner wählen

# Text
text-title = Text
text-placeholder = Oder hier einen Text schreiben oder einfügen …
text-share = Text teilen
text-synced = Geteilt. Was du tippst, erscheint auch drüben.
text-tools = Formatierung
text-bold = Fett
text-italic = Kursiv
text-underline = Unterstrichen
text-code = Code
text-list = Liste
text-link = Link
text-link-address = Adresse des Links
text-link-set = Link setzen
text-copy = Text kopieren

# Beitreten
join-title = Einem Raum beitreten
join-label = Code oder Link
join-placeholder = 123456-word-word-word
join-hint = Du bekommst ihn von der Person, die teilt.
join-missing-words = Ein Code besteht aus einem Raum und drei Wörtern.
join-too-many-words = Das sind zu viele Wörter.
join-unknown-word = „{ $word }“ gehört nicht zu den Wörtern, aus denen Codes bestehen.
join-bad-room = Was vor den Wörtern steht, ist kein Raumname.
join-bad-link = Der Link ist unvollständig. Kopiere ihn ganz.
join = Beitreten
joining = Du trittst bei …
go-back = Zurück zu { $room }
go-back-hint = Auf diesem Gerät gemerkt.
forget = Vergessen

# Ein Raum mit eigenem Namen
wish-title = Einen Raum mit eigenem Namen erstellen
wish-label = Raumname
wish-placeholder = our-room
wish-open = Raum öffnen
wish-hint = 3 bis 63 Zeichen: Buchstaben a–z, Ziffern und Bindestriche.
wish-checking = Wird nachgesehen …
wish-free = Dieser Name ist frei.
wish-taken = Dieser Name ist vergeben. Wähle einen anderen.
wish-invalid = Nur Buchstaben a–z, Ziffern und Bindestriche, 3 bis 63 Zeichen, vorn ein Buchstabe oder eine Ziffer.
wish-unknown = Der Server ist gerade nicht erreichbar. Du kannst trotzdem versuchen, den Raum zu öffnen.
wish-wait = Zu viele Anfragen. Warte { $seconds ->
        [one] { $seconds } Sekunde
       *[other] { $seconds } Sekunden
    } und tippe dann weiter.

# Der Raum
room-title = Dein Raum
room-title-guest = Raum { $room }
room-opening = Raum wird erstellt …
room-code-copy = Code kopieren
room-code-say = Sag ihn durch oder schick den Link:
room-link-copy = Link kopieren
room-qr = QR-Code
room-qr-alt = QR-Code mit dem Link zum Raum
room-qr-copy = Bild kopieren
room-qr-save = Bild speichern
room-tries = { $tries ->
        [one] Noch { $tries } Fehlversuch, dann wechseln die Wörter
       *[other] Noch { $tries } Fehlversuche, dann wechseln die Wörter
    }
room-keep = Diesen Raum auf diesem Gerät merken
room-keep-hint = Damit du ohne Code zurückkommst.
room-leave = Raum verlassen
room-reconnecting = Der Server ist nicht erreichbar. Was unterwegs ist, läuft weiter; neu beitreten kann niemand.
copied = Kopiert
saved = Gespeichert
copy-failed = Kopieren ist hier nicht erlaubt. Markiere es und kopiere es von Hand.

# Wer da ist
members = In diesem Raum
members-none = Noch ist niemand sonst da
members-none-hint = Gib jemandem den Code, den Link oder den QR-Code.
member-unnamed = Anderes Gerät
member-host = hat den Raum erstellt
member-verified = Nachgewiesen und verschlüsselt
member-connecting = Wird verbunden …
member-lost = Verbindung verloren. Neuer Versuch …
member-refused = Abgewiesen: Es hat nicht nachgewiesen, dass es diesen Raum kennt.
path-lan = Selbes Netz
path-lan-why = Beide Geräte sind im selben Netz; nichts verlässt es.
path-direct = Direkt
path-direct-why = Geradewegs durchs Internet, ohne Halt dazwischen.
path-relay = Über Relay
path-relay-why = Es geht über ein Relay, weil eure Netze eine direkte Verbindung verhindern. Trotzdem Ende-zu-Ende-verschlüsselt: Das Relay kann nichts lesen.
path-rtt = { $ms } ms
path-lanes = { $count } Spuren

# Was angeboten wird
items-title = Angeboten
items-empty-guest = Noch wird nichts angeboten
items-empty-guest-hint = Sobald jemand etwas teilt, erscheint es hier.
items-waiting = Warten auf die Verbindung
items-waiting-hint = Was angeboten wird, erscheint hier gleich.
accept = Annehmen
accept-all = Alle annehmen
accept-again = Noch einmal
save = Speichern
pause = Anhalten
resume = Fortsetzen
cancel = Abbrechen
remove = Entfernen
withdraw = Zurückziehen
item-text = Text
item-files = { $files ->
        [one] { $files } Datei
       *[other] { $files } Dateien
    }
item-from = von { $name }
item-out = von dir angeboten
item-untaken = Noch nicht angenommen
item-waiting = Wartet, bis es dran ist
item-checking = Prüft, was schon hier ist
item-paused-here = Von dir angehalten
item-paused-there = Von der anderen Seite angehalten
item-paused = Angehalten
item-verifying = Die letzten Stücke werden geprüft
item-done-in-place = Vollständig und geprüft, in deinem gewählten Ordner
item-done = Vollständig und geprüft
item-failed = Durch ein Problem gestoppt
item-cancelled-here = Von dir abgebrochen
item-cancelled-there = Von der anderen Seite abgebrochen
item-cancelled = Abgebrochen
item-fetching = { $count ->
        [one] { $count } Gerät empfängt gerade
       *[other] { $count } Geräte empfangen gerade
    }
item-fetched = { $count ->
        [one] einmal angenommen
       *[other] { $count }-mal angenommen
    }
item-progress = Fortschritt von { $name }
item-hash = BLAKE3
storage-private = Was du annimmst, wird als Download gespeichert, sobald es vollständig ist; ein Ordner als eine ZIP-Datei. Endet diese Seite vorher, geht es weiter, wenn du den Link wieder öffnest.
storage-directory = Endet diese Seite, bevor alles vollständig ist, geht es weiter, wenn du den Link wieder öffnest – solange der Browser bis dahin Platz für eine zweite Kopie hat.
storage-memory = Dieser Browser gibt Seiten keinen Speicher: Du kannst nur Kleines annehmen, und nur solange diese Seite offen bleibt. In einem neueren Browser oder einem nicht privaten Fenster geht mehr.
app-unfinished = Im Ordner für Empfangenes ist etwas unfertig: { $size }. Es geht weiter, wenn du es wieder annimmst, und bleibt eine Woche.
unfinished = In diesem Browser ist etwas unfertig: { $size }. Es geht weiter, wenn du seinen Link wieder öffnest, und bleibt eine Woche.
unfinished-clear = Entfernen

# Zahlen
total = Insgesamt
speed = { $amount }/s
of = { $done } von { $size }
left-moment = gleich fertig
left-seconds = { $seconds ->
        [one] noch { $seconds } Sekunde
       *[other] noch { $seconds } Sekunden
    }
left-minutes = { $minutes ->
        [one] noch { $minutes } Minute
       *[other] noch { $minutes } Minuten
    }
left-hours = noch { $hours } Std. { $minutes } Min.

# Meldungen: was geschehen ist, warum, und was man tun kann.
notice-wrong-words = Diese Wörter öffnen den Raum nicht
    .reason = Sie sind vertippt, oder der Raum hat inzwischen neue Wörter.
    .next = { $number ->
        [unknown] Prüfe sie zusammen mit der Person, die teilt, und versuche es noch einmal.
        [0] Frage nach den neuen Wörtern.
        [one] Prüfe sie zusammen mit der Person, die teilt. Ein Versuch bleibt, bevor sie wechseln.
       *[other] Prüfe sie zusammen mit der Person, die teilt. { $number } Versuche bleiben, bevor sie wechseln.
    }
notice-wrong-link = Dieser Link öffnet den Raum nicht
    .reason = Er ist unvollständig, oder der Raum wurde seitdem neu erstellt.
    .next = Lass dir den Link noch einmal schicken und öffne ihn ganz.
notice-words-busy = Der Raum nimmt gerade keine Wörter an
    .reason = Jemand hat falsche Wörter probiert, deshalb hält das Gerät, das den Raum erstellt hat, die Tür kurz geschlossen.
    .next = Versuche es in einer Minute wieder oder bitte um den Link: Er gilt sofort.
notice-somebody-guessed = Jemand hat falsche Wörter probiert
    .reason = Da hat sich jemand vertippt, oder jemand Fremdes rät. Niemand wurde hereingelassen.
    .next = { $number ->
        [one] Lies den Code noch einmal vor, wenn du jemanden erwartest. Nach einem weiteren Fehlversuch wechseln die Wörter von selbst.
       *[other] Lies den Code noch einmal vor, wenn du jemanden erwartest. Nach { $number } weiteren Fehlversuchen wechseln die Wörter von selbst.
    }
notice-words-changed = Dein Raum hat neue Wörter
    .reason = Es gab fünf Fehlversuche, die alten Wörter öffnen ihn nicht mehr.
    .next = Gib den neuen Code weiter. Der Link gilt weiter, und alle, die hier sind, bleiben.
notice-room-unknown = Es gibt keinen Raum { $subject }
    .reason = Er wurde geschlossen, ist abgelaufen, oder sein Name ist vertippt.
    .next = Prüfe den Code zusammen mit der Person, die teilt, und versuche es noch einmal.
notice-room-taken = Der Name { $subject } ist vergeben
    .reason = Jemand anderes hat einen Raum mit diesem Namen.
    .next = Wähle einen anderen Namen.
notice-room-full = Der Raum ist voll
    .reason = Mehr Geräte passen nicht hinein.
    .next = Versuche es wieder, wenn jemand gegangen ist.
notice-room-busy = Vor diesem Raum warten zu viele
    .reason = Sie alle warten darauf, hereingelassen zu werden.
    .next = Versuche es in einer halben Minute wieder.
notice-host-away = Wer diesen Raum erstellt hat, ist nicht da
    .reason = Nur dieses eine Gerät kann jemand Neues hereinlassen, und es ist gerade nicht verbunden.
    .next = Bitte darum, die Seite dort wieder zu öffnen, und versuche es dann noch einmal.
notice-no-answer = Das andere Gerät hat nicht geantwortet
    .reason = Vielleicht schläft es, sein Bildschirm ist aus, oder sein Netz ist langsam.
    .next = Bitte darum, es aufzuwecken, und versuche es dann noch einmal.
notice-rate-limited = Das war zu oft
    .reason = Der Server bremst wiederholte Versuche aus einem Netz, damit niemand Codes errät.
    .next = { $number ->
        [one] Warte { $number } Sekunde und versuche es dann noch einmal.
       *[other] Warte { $number } Sekunden und versuche es dann noch einmal.
    }
notice-server-unreachable = Der Server ist nicht erreichbar
    .reason = Dieses Gerät ist offline, oder der Server ist ausgefallen.
    .next = Prüfe deine Verbindung. Wolltest du teilen, öffnet sich dein Raum von selbst, sobald der Server antwortet. Wolltest du beitreten, versuche es dann noch einmal.
notice-server-lost = Die Verbindung zum Server ist abgebrochen
    .reason = Das Netz hat gewechselt oder ist ausgefallen. Was unterwegs ist, läuft weiter.
    .next = Du musst nichts tun: Sie kommt von selbst wieder. Bis dahin kann niemand neu beitreten.
notice-server-back = Der Server ist wieder da
    .reason = Die Verbindung steht wieder.
    .next = Andere können beitreten wie zuvor.
notice-server-trouble = Der Server kann gerade keine Räume führen
    .reason = Er hat selbst ein Problem.
    .next = Versuche es in einer Minute wieder.
notice-server-version = Diese Seite und der Server passen nicht zusammen
    .reason = Eines von beiden wurde aktualisiert.
    .next = Lade die Seite neu.
notice-stray-letters = Es kamen Nachrichten, die zu nichts passen
    .reason = Der Server oder jemand vor der Tür wiederholt oder erfindet sie.
    .next = Keine wurde angenommen. Geht es so weiter, nimm einen anderen Server.
notice-replaced = Dieser Raum läuft in einem anderen Fenster weiter
    .reason = Du hast denselben Raum in einem anderen Tab oder Fenster dieses Browsers geöffnet.
    .next = Mach dort weiter, oder lade diese Seite neu, um ihn zurückzuholen.
notice-already-open = Raum { $subject } ist in einem anderen Tab offen
    .reason = Ein Browser nimmt an einem Raum nur einmal teil, deshalb bleibt dieser Tab draußen.
    .next = Mach im anderen Tab weiter, oder schließe ihn und lade diese Seite neu.
notice-pick-again = Wähle noch einmal, was du geteilt hast
    .reason = Diese Seite wurde neu geladen, und dabei vergisst ein Browser, was geteilt war. Der Raum und sein Link sind dieselben; der Code hat neue Wörter.
    .next = Wähle dieselben Dateien noch einmal: Wer gerade empfangen hat, macht von selbst weiter.
notice-keepsake-expired = Du kannst nicht mehr zurück in { $subject }
    .reason = Der Raum wurde geschlossen, oder es ist zu lange her.
    .next = Bitte um einen neuen Code oder Link.
notice-join-slow = Das Beitreten dauert länger als sonst
    .reason = Das Netz oder das andere Gerät ist langsam.
    .next = Lass diese Seite offen. Nach einer Weile hört sie von selbst auf und sagt, warum.
notice-connect-slow = Das Verbinden dauert länger als sonst: { $subject }
    .reason = Das Netz dort ist vielleicht langsam oder lässt keine direkte Verbindung zu.
    .next = Lass diese Seite offen; andere Wege werden probiert.
notice-connect-failed = Keine Verbindung: { $subject }
    .reason = Eure beiden Netze lassen keine direkte Verbindung zu, und kein Relay hat geholfen.
    .next = Bringe beide Geräte ins selbe Netz, oder probiere ein anderes.
notice-peer-refused = Ein Gerät wurde abgewiesen
    .reason = Es hat nicht nachgewiesen, dass es diesen Raum kennt. Nichts wurde ihm gesendet.
    .next = Wenn du jemanden erwartest, schicke den Link noch einmal.
notice-peer-violation = { $subject } wurde getrennt
    .reason = Von dort kam etwas, das kein ordentliches Programm sendet. Nichts davon wurde behalten.
    .next = Bitte die Person, die Seite neu zu laden oder die App zu aktualisieren.
notice-peer-version = { $subject } hat eine andere Version
    .reason = Die beiden Versionen verstehen einander nicht.
    .next = Lade die Seite auf beiden Geräten neu.
notice-peer-left = { $subject } ist gegangen
    .reason = Die Seite wurde geschlossen oder der Raum verlassen.
    .next = Was du angenommen hast, gehört dir. Zurückkommen geht jederzeit.
notice-peer-lost = Verbindung abgebrochen: { $subject }
    .reason = Das Netz dort ist ausgefallen, oder der Bildschirm ging aus.
    .next = Lass diese Seite offen: Es geht da weiter, wo es aufgehört hat, sobald die Verbindung wieder da ist.
notice-peer-joined = { $subject } ist beigetreten
    .reason = Der Code oder der Link war bekannt, und beide Geräte haben es nachgewiesen.
    .next = Ihr könnt jetzt miteinander teilen.
notice-item-gone = { $subject } wird nicht mehr angeboten
    .reason = Die Person, die es geteilt hat, hat es zurückgezogen.
    .next = Bitte sie, es noch einmal zu teilen, wenn du es noch brauchst.
notice-item-awaited = { $subject } muss noch einmal angeboten werden
    .reason = Die Seite oder das Programm der teilenden Person wurde neu gestartet und hat dabei die Dateien vergessen.
    .next = Bitte sie, es noch einmal zu wählen. Es geht von selbst weiter mit dem, was schon hier ist.
notice-item-received = { $subject } ist da
    .reason = Es ist vollständig und gleicht dem Original.
    .next = Du findest es dort, wo du es haben wolltest, oder bei deinen Downloads.
notice-item-sent = { $subject } ist angekommen
    .reason = Das andere Gerät hat alles empfangen und geprüft.
    .next = Du kannst das Angebot zurückziehen oder es für andere stehen lassen.
notice-paused-there = { $subject } wurde angehalten
    .reason = Die andere Seite hat es angehalten.
    .next = Es geht weiter, sobald sie fortsetzt.
notice-cancelled-there = { $subject } wurde abgebrochen
    .reason = Die andere Seite hat es gestoppt.
    .next = Frage nach, wenn dich das überrascht.
notice-source-changed = { $subject } hat sich geändert
    .reason = Die Datei wurde nach dem Anbieten auf dem anderen Gerät verändert; was ankäme, wäre eine Mischung.
    .next = Lass sie noch einmal teilen.
notice-source-unreadable = { $subject } ist nicht lesbar
    .reason = Die Datei wurde auf dem Gerät, das sie teilt, verschoben oder gelöscht, oder darf nicht gelesen werden.
    .next = Lass sie noch einmal teilen.
notice-left-out = Nicht ganz dabei: { $subject }
    .reason = { $number ->
        [one] Ein Eintrag ist ein symbolischer Link, keine gewöhnliche Datei oder nicht lesbar.
       *[other] { $number } Einträge sind symbolische Links, keine gewöhnlichen Dateien oder nicht lesbar.
    }
    .next = Alles andere wird angeboten. Teile das Fehlende einzeln.
notice-sharer-busy = { $subject } muss warten
    .reason = Das andere Gerät bedient schon so viele gleichzeitig, wie es kann.
    .next = Nimm es gleich noch einmal an.
notice-item-resumed = { $subject } geht bei { $number } % weiter
    .reason = So viel war von vorher da und wurde noch einmal geprüft.
    .next = Du musst nichts tun: Nur der Rest wird geholt.
notice-piece-failed = Ein Stück wird noch einmal geholt: { $subject }
    .reason = Es wurde unterwegs beschädigt.
    .next = Du musst nichts tun: Was behalten wird, ist richtig.
notice-item-corrupt = { $subject } gleicht nicht dem Original
    .reason = Stücke haben die Prüfung immer wieder nicht bestanden. Nichts Falsches wurde behalten.
    .next = Versuche es noch einmal, oder bitte darum, es neu anzubieten.
notice-no-space = Nicht genug Platz für { $subject }
    .reason = Nötig sind { $needed }, frei sind { $free }.
    .next = Schaffe Platz oder wähle einen anderen Ort, und nimm es dann noch einmal an.
notice-place-full = Der Platz reichte nicht für { $subject }
    .reason = Nötig sind insgesamt { $needed }.
    .next = Schaffe Platz, und nimm es noch einmal an: Es geht bei dem weiter, was bleiben konnte.
notice-place-unwritable = { $subject } lässt sich dort nicht speichern
    .reason = Den Ort gibt es nicht mehr, oder diese Seite darf dort nicht schreiben.
    .next = Nimm es noch einmal an und wähle einen anderen Ort.
notice-place-not-chosen = Nichts wurde angenommen
    .reason = Du hast den Dialog geschlossen, ohne einen Ort zu wählen.
    .next = Drücke auf „Annehmen“, wann immer du möchtest.
notice-unsafe-name = { $subject } bietet etwas an, das abgelehnt wurde
    .reason = Darin sind Namen, die auf diesem Gerät schaden könnten.
    .next = Bitte darum, es umzubenennen oder in eine Datei zu packen.
notice-too-many = Das ist zu viel auf einmal
    .reason = { $number ->
        [one] Nur eines ist erlaubt.
       *[other] Höchstens { $number } sind erlaubt.
    }
    .next = Packe es in eine Datei, oder teile es in mehreren Teilen.
notice-too-large = { $subject } ist zu groß
    .reason = So viel lässt sich nicht übertragen.
    .next = Zerlege es in mehrere Teile.
notice-too-deep = Zu viele Ordner ineinander: { $subject }
    .reason = Es ist zu tief verschachtelt, oder die Pfade sind für manche Geräte zu lang.
    .next = Packe es in eine Datei und teile diese.
notice-text-too-long = Der Text ist zu lang
    .reason = Er ist länger, als sich als Text teilen lässt.
    .next = Speichere ihn als Datei und teile diese.
notice-not-an-invitation = Das ist weder ein Code noch ein Link
    .reason = Ein Code sieht aus wie 123456-word-word-word.
    .next = Prüfe ihn, oder füge den ganzen Link ein.

# Anstelle eines Namens, der nicht bekannt ist
somebody = ein anderes Gerät
something = ein Element
