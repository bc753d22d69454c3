# Solo en la aplicación
protected-limit-app = Un límite, con sinceridad: la aplicación confía a su servidor la presentación de los dispositivos, no lo que comparten. Quien lo gestiona ve que dos dispositivos se encuentran, y cuándo.
app-settings = Ajustes
app-server = Servidor
app-server-hint = Pone en contacto los dispositivos. Usa la dirección del tuyo o de uno en el que confíes.
app-server-ask = ¿Qué servidor?
app-server-bad = No es la dirección de un servidor. Es como drop.example o https://drop.example.
app-server-use = Usar
app-downloads = Lo que aceptas va a
app-downloads-none = Se te pide una carpeta cuando aceptas algo.
app-downloads-change = Cambiar…
app-autostart = Iniciar con el sistema
app-autostart-hint = Espera en la bandeja hasta que alguien comparta algo contigo.
app-items-folder = Lo que aceptas va directo a { $folder }.
app-reveal = Mostrar en la carpeta
app-show = Abrir PrivyDrop
app-quit = Salir
app-idle = Nada en marcha
app-moving = En marcha
app-arrived = Llegó y se comprobó
app-follow = Un enlace pide entrar en la sala { $room } de { $server }. Saldrás de la sala en la que estás.
app-update = Ya está la versión { $version } de PrivyDrop. ¿Instalarla ahora?
app-install = Instalar

# Lo que solo les pasa a los programas: una página tiene un carril y puede leer lo que se pega.
notice-files-not-pasted = Esto no se puede compartir pegándolo
    .reason = La ventana no sabe dónde están los archivos pegados, y una imagen copiada aún no es un archivo.
    .next = Suelta el archivo sobre la ventana o elígelo con el botón.
