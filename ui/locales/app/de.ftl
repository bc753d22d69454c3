# Nur in der App
protected-limit-app = Eine ehrliche Grenze: Die App überlässt ihrem Server, Geräte miteinander bekannt zu machen, nicht aber, was sie teilen. Wer ihn betreibt, sieht, dass sich zwei Geräte treffen, und wann.
app-settings = Einstellungen
app-server = Server
app-server-hint = Er macht die Geräte miteinander bekannt. Nimm die Adresse deines eigenen oder eines, dem du vertraust.
app-server-ask = Welcher Server?
app-server-bad = Das ist keine Serveradresse. Sie sieht aus wie drop.example oder https://drop.example.
app-server-use = Nutzen
app-downloads = Was du annimmst, kommt nach
app-downloads-none = Du wirst nach einem Ordner gefragt, wenn du etwas annimmst.
app-downloads-change = Ändern …
app-autostart = Mit dem System starten
app-autostart-hint = Sie wartet im Infobereich, bis jemand etwas mit dir teilt.
app-items-folder = Was du annimmst, kommt direkt nach { $folder }.
app-reveal = Im Ordner zeigen
app-show = PrivyDrop öffnen
app-quit = Beenden
app-idle = Nichts unterwegs
app-moving = Unterwegs
app-arrived = Angekommen und geprüft
app-follow = Ein Link möchte in den Raum { $room } auf { $server } führen. Du verlässt dann den Raum, in dem du bist.
app-update = PrivyDrop { $version } ist da. Jetzt installieren?
app-install = Installieren

# Was nur Programmen geschieht: Eine Seite hat eine Spur und darf lesen, was eingefügt wird.
notice-files-not-pasted = Das lässt sich nicht durch Einfügen teilen
    .reason = Das Fenster erfährt nicht, wo eingefügte Dateien liegen, und ein kopiertes Bild ist noch keine Datei.
    .next = Lege die Datei auf dem Fenster ab, oder wähle sie mit dem Knopf aus.
