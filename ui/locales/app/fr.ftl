# Dans l’application seulement
protected-limit-app = Une limite, en toute honnêteté : l’application confie à son serveur la mise en relation des appareils, pas ce qu’ils partagent. Qui le gère voit que deux appareils se rencontrent, et quand.
app-settings = Réglages
app-server = Serveur
app-server-hint = Il met les appareils en relation. Indiquez l’adresse du vôtre, ou d’un serveur de confiance.
app-server-ask = Quel serveur ?
app-server-bad = Ce n’est pas l’adresse d’un serveur. Elle ressemble à drop.example ou à https://drop.example.
app-server-use = Utiliser
app-downloads = Ce que vous acceptez va dans
app-downloads-none = Un dossier vous est demandé quand vous acceptez quelque chose.
app-downloads-change = Changer…
app-autostart = Démarrer avec le système
app-autostart-hint = L’application attend dans la zone de notification que quelqu’un partage avec vous.
app-items-folder = Ce que vous acceptez va droit dans { $folder }.
app-reveal = Afficher dans le dossier
app-show = Ouvrir PrivyDrop
app-quit = Quitter
app-idle = Rien en cours
app-moving = En cours
app-arrived = Arrivé et vérifié
app-follow = Un lien vous invite dans le salon { $room } sur { $server }. Vous quitterez le salon où vous êtes.
app-update = La version { $version } de PrivyDrop est là. L’installer maintenant ?
app-install = Installer

# Ce qui n’arrive qu’aux programmes : une page n’a qu’une voie, et peut lire ce qui est collé.
notice-files-not-pasted = Cela ne peut pas être partagé par collage
    .reason = La fenêtre ne sait pas où se trouvent les fichiers collés, et une image copiée n’est pas encore un fichier.
    .next = Déposez le fichier sur la fenêtre, ou choisissez-le avec le bouton.
